// SPDX-License-Identifier: GPL-2.0-only
{
  local c = $._config,
  local alert(name, expr, hold, severity, summary, description) = {
    alert: name,
    expr: expr % c,
    'for': hold,
    labels: { severity: severity },
    annotations: { summary: summary, description: description },
  },

  prometheusAlerts+:: {
    groups+: [{
      name: 'zeroscope',
      rules: [
        alert(
          'ZeroscopeDown',
          'up{%(selector)s} == 0',
          '10m',
          'warning',
          'A host does not tell what page clearing costs it.',
          'zeroscope on {{ $labels.instance }} cannot be scraped; where the kernel is locked down or a right is missing it ends with status 3, and its log says so in one line.'
        ),
        alert(
          'ZeroscopeProbeNotAttached',
          'max by (instance, job) (zeroscope_probe_attached{%(selector)s, probe=~"folio_zero_user|clear_huge_page"}) == 0',
          '5m',
          'warning',
          'Clears of huge pages are not measured.',
          'zeroscope on {{ $labels.instance }} runs, but its probe for clears is not attached; zeroscope doctor says there why.'
        ),
        alert(
          'ZeroscopeCoverageHole',
          |||
            sum by (instance, job, what) (rate(zeroscope_coverage_kernel_folios_total{%(selector)s, what=~"thp|mthp.*"}[10m]))
              - sum by (instance, job, what) (rate(zeroscope_coverage_seen_folios_total{%(selector)s, what=~"thp|mthp.*"}[10m]))
              > 0.05 * sum by (instance, job, what) (rate(zeroscope_coverage_kernel_folios_total{%(selector)s, what=~"thp|mthp.*"}[10m]))
          |||,
          '15m',
          'warning',
          'The kernel hands out folios whose clearing is not seen.',
          'On {{ $labels.instance }} more than 5 % of the folios of kind {{ $labels.what }} are cleared out of sight: with init_on_alloc=1 the page allocator zeroes them, which --allocator measures.'
        ),
        alert(
          'ZeroscopeEventsLost',
          'sum by (instance, job, cause) (increase(zeroscope_lost_events_total{%(selector)s}[10m])) > 0',
          '10m',
          'info',
          'Counts of zeroscope are lower bounds.',
          'zeroscope on {{ $labels.instance }} loses events by {{ $labels.cause }}; another --tier may lose fewer.'
        ),
        alert(
          'ZeroscopeClearsSlow',
          'zeroscope:clear_duration_seconds:p99_5m{%(selector)s, order="9"} > %(slowClearSeconds)g',
          '15m',
          'warning',
          'Clearing 2 MiB pages takes long.',
          'The slowest percent of clears of 2 MiB pages on {{ $labels.instance }} takes {{ $value | humanizeDuration }} or more.'
        ),
        alert(
          'ZeroscopeReschedDelayed',
          // The delay beside the model that it was measured under. With preempt=full none is claimed.
          |||
            zeroscope:resched_delay_seconds:p99_10m{%(selector)s}
              * on (instance, job) group_left (preempt_model) zeroscope_kernel_info{%(selector)s, preempt_model="lazy"} > %(lazyDelaySeconds)g
            or
            zeroscope:resched_delay_seconds:p99_10m{%(selector)s}
              * on (instance, job) group_left (preempt_model) zeroscope_kernel_info{%(selector)s, preempt_model=~"none|voluntary"} > %(voluntaryDelaySeconds)g
          |||,
          '15m',
          'warning',
          'Tasks wait longer for a CPU that clears a huge page than its preemption model allows.',
          'On {{ $labels.instance }}, which runs with preempt={{ $labels.preempt_model }}, the slowest percent of reschedule requests made during a clear waits {{ $value | humanizeDuration }} or more.'
        ),
        alert(
          'ZeroscopeHugeZeroPinned',
          'max by (instance, job) (zeroscope_huge_zero_oldest_hold_seconds{%(selector)s}) > %(zeroHoldSeconds)d',
          '1h',
          'info',
          'The huge zero folio has been pinned for long.',
          'A process on {{ $labels.instance }} has held the huge zero folio for {{ $value | humanizeDuration }}; zeroscope holders names it.'
        ),
        alert(
          'ZeroscopeExpensive',
          'sum by (instance, job) (rate(process_cpu_seconds_total{%(selector)s}[10m]) and on (instance, job) zeroscope_build_info{%(selector)s}) > %(ownCpuShare)g',
          '30m',
          'warning',
          'zeroscope itself takes a lot of CPU time.',
          'zeroscope on {{ $labels.instance }} uses {{ $value | humanizePercentage }} of a CPU to serve its metrics; scrape it less often.'
        ),
      ],
    }],
  },
}
