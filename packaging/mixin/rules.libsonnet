// SPDX-License-Identifier: GPL-2.0-only
// Quantiles do not add up: over a fleet the buckets are added, and the quantile is taken of the sum.
{
  local c = $._config,
  local rule(name, expr) = { record: name, expr: expr % c },

  prometheusRules+:: {
    groups+: [{
      name: 'zeroscope.rules',
      rules: [
        rule(
          'zeroscope:clear_duration_seconds:p99_5m',
          'histogram_quantile(0.99, sum by (instance, job, order, le) (rate(zeroscope_clear_duration_seconds_bucket{%(selector)s}[5m])))'
        ),
        rule(
          'cluster_order_le:zeroscope_clear_duration_seconds_bucket:rate5m',
          'sum by (%(clusterLabel)s, order, le) (rate(zeroscope_clear_duration_seconds_bucket{%(selector)s}[5m]))'
        ),
        rule(
          'cluster_order:zeroscope_clear_duration_seconds_sum:rate5m',
          'sum by (%(clusterLabel)s, order) (rate(zeroscope_clear_duration_seconds_sum{%(selector)s}[5m]))'
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
