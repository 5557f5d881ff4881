// SPDX-License-Identifier: GPL-2.0-only
{
  local c = $._config,
  local datasource = { type: 'prometheus', uid: '${datasource}' },
  local match = 'job=~"$job", instance=~"$instance"',
  local target(expr, legend, format='time_series') = {
    datasource: datasource,
    expr: expr % { match: match },
    legendFormat: legend,
    format: format,
    refId: 'A',
  },
  local panel(id, x, y, w, title, description, type, unit, targets) = {
    id: id,
    title: title,
    description: description,
    type: type,
    datasource: datasource,
    gridPos: { x: x, y: y, w: w, h: 8 },
    fieldConfig: { defaults: { unit: unit, custom: if type == 'timeseries' then { fillOpacity: 10 } else {} }, overrides: [] },
    options: if type == 'heatmap' then {
      calculate: false,
      cellGap: 1,
      color: { mode: 'scheme', scheme: 'Oranges', steps: 64 },
      yAxis: { unit: unit },
      filterValues: { le: 1e-9 },
    } else { legend: { displayMode: 'list', placement: 'bottom' } },
    targets: [targets[i] { refId: std.char(65 + i) } for i in std.range(0, std.length(targets) - 1)],
  },
  local variable(name, query, label) = {
    name: name,
    label: label,
    type: 'query',
    datasource: datasource,
    query: { query: query, refId: name },
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: { text: 'All', value: '$__all' },
  },

  grafanaDashboards+:: {
    'zeroscope.json': {
      uid: c.dashboardUid,
      title: 'zeroscope: who pays for page clearing',
      tags: ['zeroscope', 'memory'],
      schemaVersion: 37,
      editable: false,
      refresh: '30s',
      time: { from: 'now-1h', to: 'now' },
      templating: {
        list: [
          { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
          variable('job', 'label_values(zeroscope_build_info, job)', 'Job'),
          variable('instance', 'label_values(zeroscope_build_info{job=~"$job"}, instance)', 'Host'),
          variable('order', 'label_values(zeroscope_clears_total{job=~"$job", instance=~"$instance"}, order)', 'Order'),
          {
            name: 'buckets',
            label: 'Histograms',
            type: 'custom',
            query: 'classic : _bucket, native : ',
            current: { text: 'classic', value: '_bucket' },
          },
        ],
      },
      panels: [
        panel(1, 0, 0, 12, 'Time spent clearing', 'Wall time that clears take, as a share of one CPU, by size and kind of the folio.', 'timeseries', 'percentunit', [
          target('sum by (order, page_kind) (rate(zeroscope_clear_duration_seconds_sum{%(match)s, order=~"$order"}[$__rate_interval])) or sum by (order, page_kind) (histogram_sum(rate(zeroscope_clear_duration_seconds{%(match)s, order=~"$order"}[$__rate_interval])))', 'order {{order}} {{page_kind}}'),
        ]),
        panel(2, 12, 0, 12, 'Memory cleared', 'Bytes of folios whose clearing began.', 'timeseries', 'Bps', [
          target('sum by (order, page_kind) (rate(zeroscope_cleared_bytes_total{%(match)s, order=~"$order"}[$__rate_interval]))', 'order {{order}} {{page_kind}}'),
        ]),
        panel(3, 0, 8, 24, 'How long a clear takes', 'Wall time of clears, from classic or native buckets as chosen above.', 'heatmap', 's', [
          target('sum by (le) (rate(zeroscope_clear_duration_seconds${buckets}{%(match)s, order=~"$order"}[$__rate_interval]))', '{{le}}', 'heatmap'),
        ]),
        panel(4, 0, 16, 12, 'Slowest percent of clears', 'The wall time that 99 % of the clears of an order do not exceed.', 'timeseries', 's', [
          target('histogram_quantile(0.99, sum by (order, le) (rate(zeroscope_clear_duration_seconds_bucket{%(match)s, order=~"$order"}[$__rate_interval]))) or histogram_quantile(0.99, sum by (order) (rate(zeroscope_clear_duration_seconds{%(match)s, order=~"$order"}[$__rate_interval])))', 'order {{order}}'),
        ]),
        panel(5, 12, 16, 12, 'Off the CPU while clearing', 'Time in clears in which their tasks had lost the CPU, by what took it.', 'timeseries', 'percentunit', [
          target('sum by (cause) (rate(zeroscope_gap_seconds_total{%(match)s, order=~"$order"}[$__rate_interval]))', '{{cause}}'),
        ]),
        panel(6, 0, 24, 12, 'How long others wait', 'From a request to reschedule that is made during a clear to the switch.', 'timeseries', 's', [
          target('histogram_quantile(0.99, sum by (request, le) (rate(zeroscope_resched_delay_seconds_bucket{%(match)s}[$__rate_interval]))) or histogram_quantile(0.99, sum by (request) (rate(zeroscope_resched_delay_seconds{%(match)s}[$__rate_interval])))', 'p99 {{request}}'),
        ]),
        panel(7, 12, 24, 12, 'Huge zero folio', "Who holds it: processes, and the kernel's own reference count.", 'timeseries', 'short', [
          target('sum by (instance) (zeroscope_huge_zero_holders{%(match)s})', 'holders {{instance}}'),
          target('sum by (instance) (zeroscope_huge_zero_refcount{%(match)s})', 'refcount {{instance}}'),
        ]),
        panel(8, 0, 32, 12, 'Seen of what the kernel counts', 'Folios whose clearing was seen, of those that the kernel handed out: below 1 is a hole.', 'timeseries', 'percentunit', [
          target('sum by (what) (rate(zeroscope_coverage_seen_folios_total{%(match)s}[$__rate_interval])) / sum by (what) (rate(zeroscope_coverage_kernel_folios_total{%(match)s}[$__rate_interval]))', '{{what}}'),
        ]),
        panel(9, 12, 32, 12, 'What was lost', 'Events that were missed, by cause: where there are any, all counts are lower bounds.', 'timeseries', 'short', [
          target('sum by (cause) (rate(zeroscope_lost_events_total{%(match)s}[$__rate_interval]))', '{{cause}}'),
        ]),
      ],
    },
  },
}
