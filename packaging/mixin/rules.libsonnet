// SPDX-License-Identifier: GPL-2.0-only
// Quantiles do not add up: over a fleet the buckets are added, and the quantile is taken of the sum.
{
  local c = $._config,
  local rule(name, expr) = { record: name, expr: expr % c },
  // Of classic buckets, or of native histograms where those are scraped.
  local quantile(by, metric, range) = |||
    histogram_quantile(0.99, sum by (%(by)s, le) (rate(%(metric)s_bucket{%(selector)s}[%(range)s])))
    or
    histogram_quantile(0.99, sum by (%(by)s) (rate(%(metric)s{%(selector)s}[%(range)s])))
  ||| % c { by: by, metric: metric, range: range },

  prometheusRules+:: {
    groups+: [{
      name: 'zeroscope.rules',
      rules: [
        // Of each host.
        rule(
          'zeroscope:clear_duration_seconds:p99_5m',
          quantile('instance, job, order', 'zeroscope_clear_duration_seconds', '5m')
        ),
        rule(
          'zeroscope:resched_delay_seconds:p99_10m',
          quantile('instance, job', 'zeroscope_resched_delay_seconds', '10m')
        ),
        // Of each cluster.
        rule(
          'cluster_order_le:zeroscope_clear_duration_seconds_bucket:rate5m',
          'sum by (%(clusterLabel)s, order, le) (rate(zeroscope_clear_duration_seconds_bucket{%(selector)s}[5m]))'
        ),
        // Where native histograms are scraped, in place of the buckets.
        rule(
          'cluster_order:zeroscope_clear_duration_seconds:rate5m',
          'sum by (%(clusterLabel)s, order) (rate(zeroscope_clear_duration_seconds{%(selector)s}[5m]))'
        ),
        rule(
          'cluster_order:zeroscope_clear_duration_seconds:p99_5m',
          |||
            histogram_quantile(0.99, cluster_order_le:zeroscope_clear_duration_seconds_bucket:rate5m)
            or
            histogram_quantile(0.99, cluster_order:zeroscope_clear_duration_seconds:rate5m)
          |||
        ),
        rule(
          'cluster_order:zeroscope_clear_duration_seconds_sum:rate5m',
          |||
            sum by (%(clusterLabel)s, order) (rate(zeroscope_clear_duration_seconds_sum{%(selector)s}[5m]))
            or
            histogram_sum(sum by (%(clusterLabel)s, order) (rate(zeroscope_clear_duration_seconds{%(selector)s}[5m])))
          |||
        ),
        rule(
          'cluster_order:zeroscope_cleared_bytes:rate5m',
          'sum by (%(clusterLabel)s, order) (rate(zeroscope_cleared_bytes_total{%(selector)s}[5m]))'
        ),
        rule(
          'cluster_cause:zeroscope_gap_seconds:rate5m',
          'sum by (%(clusterLabel)s, cause) (rate(zeroscope_gap_seconds_total{%(selector)s}[5m]))'
        ),
      ],
    }],
  },
}
