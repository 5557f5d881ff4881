// SPDX-License-Identifier: GPL-2.0-only
{
  local c = $._config,
  local datasource = { type: 'prometheus', uid: '${datasource}' },
  local fill = {
    // Which hosts.
    m: 'job=~"$job", instance=~"$instance"',
    // Which hosts, and which folios.
    o: 'job=~"$job", instance=~"$instance", order=~"$order"',
    // For rates.
    r: '[$__rate_interval]',
  },
  local target(expr, legend, format='time_series') = {
    datasource: datasource,
    expr: expr % fill,
    legendFormat: legend,
    format: format,
    instant: format == 'table',
    range: format != 'table',
  },

  // --- The kinds of panels. Ids and places come from the order they stand in.
  local panel(type, title, description, unit, targets, width=12) = {
    title: title,
    description: description,
    type: type,
    datasource: datasource,
    gridPos: { w: width, h: 8 },
    fieldConfig: { defaults: { unit: unit }, overrides: [] },
    options: {},
    targets: [targets[i] { refId: std.char(65 + i) } for i in std.range(0, std.length(targets) - 1)],
  },
  local lines(title, description, unit, targets, width=12) =
    panel('timeseries', title, description, unit, targets, width) {
      fieldConfig+: { defaults+: { min: 0, custom: { fillOpacity: 10, showPoints: 'never' } } },
      options: {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
    },
  // Of classic or of native buckets, as the variable says.
  local heatmap(title, description, metric, matchers='m', unit='s', width=12) =
    panel('heatmap', title, description, 'short', [
      target('sum by (le) (rate(' + metric + '${buckets}{%(' + matchers + ')s}%(r)s))', '{{le}}', 'heatmap'),
    ], width) {
      options: {
        calculate: false,
        cellGap: 1,
        cellValues: { unit: 'cps' },
        color: { mode: 'scheme', scheme: 'Oranges', scale: 'exponential', exponent: 0.5, steps: 64 },
        filterValues: { le: 1e-9 },
        legend: { show: true },
        rowsFrame: { layout: 'auto' },
        tooltip: { show: true, yHistogram: false },
        yAxis: { unit: unit, axisPlacement: 'left' },
      },
    },
  // `sum by (le)` keeps native histograms whole: they have no such label.
  local quantile(q, metric, by, matchers='o') =
    'histogram_quantile(%s, sum by (%s) (rate(%s${buckets}{%%(%s)s}%%(r)s)))' %
    [q, std.join(', ', by + ['le']), metric, matchers],
  // The time in a histogram, whichever form it was scraped in.
  local spent(metric, by, matchers='o') =
    'sum by (%(by)s) (rate(%(metric)s_sum{%%(%(of)s)s}%%(r)s)) or sum by (%(by)s) (histogram_sum(rate(%(metric)s{%%(%(of)s)s}%%(r)s)))' %
    { by: std.join(', ', by), metric: metric, of: matchers },
  local table(title, description, expr, hidden, width=12) =
    panel('table', title, description, 'short', [target(expr, '', 'table')], width) {
      transformations: [{ id: 'organize', options: { excludeByName: { [name]: true for name in ['Time', '__name__', 'job'] + hidden } } }],
      options: { showHeader: true, footer: { show: false } },
    },
  local yesNo = {
    fieldConfig+: { defaults+: {
      mappings: [{ type: 'value', options: {
        '0': { text: 'no', color: 'orange' },
        '1': { text: 'yes', color: 'green' },
      } }],
    } },
  },

  local groups = [
    ['Clears', [
      lines('Time spent clearing', 'Wall time that clears take, as a share of one CPU, by size and kind of the folio.', 'percentunit', [
        target(spent('zeroscope_clear_duration_seconds', ['order', 'page_kind']), 'order {{order}} {{page_kind}}'),
      ]),
      lines('Memory cleared', 'Size of the folios whose clearing began.', 'Bps', [
        target('sum by (order, page_kind) (rate(zeroscope_cleared_bytes_total{%(o)s}%(r)s))', 'order {{order}} {{page_kind}}'),
      ]),
      heatmap('How long a clear takes', 'Wall time of clears, interrupts included, from classic or native buckets as chosen above.', 'zeroscope_clear_duration_seconds', 'o', width=24),
      lines('The slower clears', 'The wall time that half, and that 99 % of the clears of an order do not exceed, to the nearest bucket.', 's', [
        target(quantile('0.99', 'zeroscope_clear_duration_seconds', ['order']), 'p99 order {{order}}'),
        target(quantile('0.5', 'zeroscope_clear_duration_seconds', ['order']), 'p50 order {{order}}'),
      ]),
      lines('Clears', 'Clears that began, by size, kind and whether the memory was near; and all calls, those included that no filter let through.', 'cps', [
        target('sum by (order, page_kind, numa) (rate(zeroscope_clears_total{%(o)s}%(r)s))', 'order {{order}} {{page_kind}} {{numa}}'),
        target('sum (rate(zeroscope_clear_calls_total{%(m)s}%(r)s))', 'all calls'),
      ]),
      lines('Off the CPU while clearing', 'Time in clears in which their tasks had lost the CPU, by what took it; and, below, the time in which they had it.', 'percentunit', [
        target('sum by (cause) (rate(zeroscope_gap_seconds_total{%(o)s}%(r)s))', 'off: {{cause}}'),
        target('sum (rate(zeroscope_clear_on_cpu_seconds_total{%(o)s}%(r)s))', 'on the CPU'),
      ]),
      lines('Gaps', 'How often a task loses its CPU in a clear, by cause; and the same as the scheduler counts it.', 'cps', [
        target('sum by (cause) (rate(zeroscope_gaps_total{%(o)s}%(r)s))', '{{cause}}'),
        target('sum (rate(zeroscope_sched_info_gaps_total{%(m)s}%(r)s))', 'sched_info'),
      ]),
    ]],
    ['Who waits', [
      heatmap('How long others wait', 'From a request to reschedule that is made during a clear to the switch, or to the end of the clear.', 'zeroscope_resched_delay_seconds'),
      lines('The longer waits', 'The delay that 99 % of these requests do not exceed; those that the clear outlived are counted beside.', 's', [
        target(quantile('0.99', 'zeroscope_resched_delay_seconds', ['request'], 'm'), 'p99 {{request}}'),
      ], 6),
      lines('Outlived requests', 'Requests to reschedule that were still unmet when the clear ended.', 'cps', [
        target('sum by (instance) (rate(zeroscope_resched_requests_outlived_total{%(m)s}%(r)s))', '{{instance}}'),
      ], 6),
    ]],
    ['Who pays', [
      lines('Time by cgroup', 'The ten cgroups that spend most wall time in clears, with --cgroup-series.', 'percentunit', [
        target('topk(10, sum by (cgroup) (rate(zeroscope_cgroup_clear_seconds_total{%(m)s}%(r)s)))', '{{cgroup}}'),
      ]),
      lines('Lost by cgroup', 'The part of it in which the tasks of a cgroup were off the CPU.', 'percentunit', [
        target('topk(10, sum by (cgroup) (rate(zeroscope_cgroup_gap_seconds_total{%(m)s}%(r)s)))', '{{cgroup}}'),
      ]),
      lines('Clears by cgroup', 'Clears by tasks of a cgroup.', 'cps', [
        target('topk(10, sum by (cgroup) (rate(zeroscope_cgroup_clears_total{%(m)s}%(r)s)))', '{{cgroup}}'),
      ], 8),
      lines('Cgroups without a series', 'How many cgroups are counted in the one named other.', 'short', [
        target('sum by (instance) (zeroscope_cgroups_folded{%(m)s})', '{{instance}}'),
      ], 4),
      lines('Clears by NUMA node', 'Clears of folios of a node, with --series=full.', 'cps', [
        target('sum by (instance, node) (rate(zeroscope_node_clears_total{%(m)s}%(r)s))', '{{instance}} node {{node}}'),
      ], 6),
      lines('Time by NUMA node', 'Wall time of clears of folios of a node, with --series=full.', 'percentunit', [
        target('sum by (instance, node) (rate(zeroscope_node_clear_seconds_total{%(m)s}%(r)s))', '{{instance}} node {{node}}'),
      ], 6),
    ]],
    ['Huge zero folio', [
      lines('Holders', "Processes that hold it, and the kernel's own reference count, which is one more while the shrinker has its pin.", 'short', [
        target('sum by (instance) (zeroscope_huge_zero_holders{%(m)s})', 'holders {{instance}}'),
        target('sum by (instance) (zeroscope_huge_zero_refcount{%(m)s})', 'refcount {{instance}}'),
        target('sum by (instance) (zeroscope_huge_zero_unexplained_references{%(m)s})', 'unexplained {{instance}}'),
      ]),
      lines('Oldest hold', 'How long the oldest holder has held it; zeroscope holders names the process.', 's', [
        target('max by (instance) (zeroscope_huge_zero_oldest_hold_seconds{%(m)s})', '{{instance}}'),
        target('max by (instance) (zeroscope_huge_zero_oldest_hold_at_least{%(m)s})', '1: it is older than that {{instance}}'),
      ]),
      lines('References', 'Requests for a reference, references that a process took for the first time, and references given back.', 'cps', [
        target('sum (rate(zeroscope_huge_zero_gets_total{%(m)s}%(r)s))', 'requests'),
        target('sum (rate(zeroscope_huge_zero_references_taken_total{%(m)s}%(r)s))', 'taken'),
        target('sum (rate(zeroscope_huge_zero_puts_total{%(m)s}%(r)s))', 'given back'),
      ]),
      lines('Allocation and reclaim', 'How often it is allocated and freed, and how often either fails.', 'cps', [
        target('sum (rate(zeroscope_huge_zero_allocations_total{%(m)s}%(r)s))', 'allocated'),
        target('sum (rate(zeroscope_huge_zero_allocation_failures_total{%(m)s}%(r)s))', 'allocation failed'),
        target('sum (rate(zeroscope_huge_zero_reclaims_total{%(m)s}%(r)s))', 'freed by the shrinker'),
        target('sum (rate(zeroscope_huge_zero_reclaim_refusals_total{%(m)s}%(r)s))', 'refused to the shrinker'),
      ]),
      heatmap('How long it is held', 'Time from the first reference of a process to its last, of holds that have ended.', 'zeroscope_huge_zero_hold_duration_seconds'),
      heatmap('How long it lives', 'Time from the allocation of the folio to its release by the shrinker.', 'zeroscope_huge_zero_lifetime_seconds'),
    ]],
    ['Clearing elsewhere, and around it', [
      lines('Time in the page allocator', 'Time in which the allocator zeroes folios because of init_on_alloc=1, with --allocator.', 'percentunit', [
        target(spent('zeroscope_allocator_clear_duration_seconds', ['order']), 'order {{order}}'),
      ]),
      lines('Zeroed by the page allocator', 'Size of what the allocator zeroed, with --allocator.', 'Bps', [
        target('sum by (order) (rate(zeroscope_allocator_cleared_bytes_total{%(o)s}%(r)s))', 'order {{order}}'),
      ], 6),
      lines('Folios zeroed by it', 'How many folios that were, with --allocator.', 'cps', [
        target('sum by (order) (rate(zeroscope_allocator_clears_total{%(o)s}%(r)s))', 'order {{order}}'),
      ], 6),
      lines('Time in huge page faults', 'Time of huge page faults, clearing included, with --fault-share.', 'percentunit', [
        target(spent('zeroscope_huge_fault_duration_seconds', ['order']), 'order {{order}}'),
      ]),
      lines('Huge page faults', 'Faults that were met with a huge page, by order, with --fault-share.', 'cps', [
        target('sum by (order) (rate(zeroscope_huge_faults_total{%(o)s}%(r)s))', 'order {{order}}'),
      ]),
      lines('Slowest extents', 'Time to clear an extent, that 99 % do not exceed: where a kernel clears in extents, the unit that a waiter waits for.', 's', [
        target(quantile('0.99', 'zeroscope_extent_duration_seconds', ['order']), 'p99 order {{order}}'),
      ]),
      lines('Pages an extent', 'Pages that are cleared in one go, on average.', 'short', [
        target('sum by (order) (rate(zeroscope_extent_cleared_pages_total{%(o)s}%(r)s)) / sum by (order) (rate(zeroscope_extents_total{%(o)s}%(r)s))', 'order {{order}}'),
      ]),
    ]],
    ['What can be relied on', [
      lines('Seen of what the kernel counts', 'Folios whose clearing was seen, of those that the kernel handed out: below 1 is a hole.', 'percentunit', [
        target('sum by (what) (rate(zeroscope_coverage_seen_folios_total{%(m)s}%(r)s)) / sum by (what) (rate(zeroscope_coverage_kernel_folios_total{%(m)s}%(r)s))', '{{what}}'),
      ]),
      lines('What was lost', 'Events that were missed, by cause: where there are any, all counts are lower bounds.', 'cps', [
        target('sum by (cause) (rate(zeroscope_lost_events_total{%(m)s}%(r)s))', '{{cause}}'),
      ]),
      table('Probes', 'Which probes are attached, and by which tier; zeroscope doctor says why one is not.', 'zeroscope_probe_attached{%(m)s}', []) + yesNo,
      table('Kernels', 'What is measured, and what decides how it clears.', 'group by (instance, release, arch, preempt_model, init_on_alloc, huge_zero, version) (zeroscope_kernel_info{%(m)s} * on (job, instance) group_left (version) zeroscope_build_info{%(m)s})', ['Value']),
    ]],
    ['What zeroscope itself costs', [
      lines('CPU time', 'Of the exporter, which serves scrapes; and of its BPF programs while kernel.bpf_stats_enabled is on.', 'percentunit', [
        target('rate(process_cpu_seconds_total{%(m)s}%(r)s) and on (job, instance) zeroscope_build_info{%(m)s}', 'exporter {{instance}}'),
        target('rate(zeroscope_bpf_run_seconds_total{%(m)s}%(r)s)', 'programs {{instance}}'),
      ]),
      lines('Memory', 'Resident and virtual memory of the exporter, and the memory of its BPF maps, which no process is charged for.', 'bytes', [
        target('process_resident_memory_bytes{%(m)s} and on (job, instance) zeroscope_build_info{%(m)s}', 'resident {{instance}}'),
        target('zeroscope_bpf_map_bytes{%(m)s}', 'maps {{instance}}'),
        target('process_virtual_memory_bytes{%(m)s} and on (job, instance) zeroscope_build_info{%(m)s}', 'virtual {{instance}}'),
      ]),
      lines('Time of a scrape', 'Time to read the counters and to write them out.', 's', [
        target('zeroscope_scrape_duration_seconds{%(m)s}', '{{instance}}'),
      ], 8),
      lines('Measured', 'For how long everything has been attached, and for how long the exporter has run.', 's', [
        target('zeroscope_measured_seconds_total{%(m)s}', 'attached {{instance}}'),
        target('time() - process_start_time_seconds{%(m)s} and on (job, instance) zeroscope_build_info{%(m)s}', 'runs {{instance}}'),
      ], 8),
      lines('Open files', 'Open files of the exporter, of those that it may open.', 'percentunit', [
        target('process_open_fds{%(m)s} / process_max_fds{%(m)s} and on (job, instance) zeroscope_build_info{%(m)s}', '{{instance}}'),
      ], 8),
    ]],
    ['With --series=full', [
      heatmap('Time on the CPU', 'Wall time of a clear without its gaps.', 'zeroscope_clear_on_cpu_duration_seconds', 'o', width=8),
      heatmap('Length of a gap', 'How long the task of a clear was off the CPU at a time.', 'zeroscope_gap_duration_seconds', width=8),
      heatmap('Size of an extent', 'Pages that were cleared in one go.', 'zeroscope_extent_size_pages', unit='short', width=8),
    ]],
  ],

  // --- From left to right, and down where a panel does not fit any more.
  local place(state, p) =
    local fits = state.x + p.gridPos.w <= 24;
    local x = if fits then state.x else 0;
    local y = if fits then state.y else state.y + state.h;
    {
      x: x + p.gridPos.w,
      y: y,
      h: p.gridPos.h,
      panels: state.panels + [p { id: std.length(state.panels) + 1, gridPos+: { x: x, y: y } }],
    },
  local row(title) = { type: 'row', title: title, collapsed: false, gridPos: { w: 24, h: 1 }, panels: [] },

  local variable(name, query, label, sort=1) = {
    name: name,
    label: label,
    type: 'query',
    datasource: datasource,
    query: { query: query, refId: name },
    refresh: 2,
    sort: sort,
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
      graphTooltip: 1,
      refresh: '30s',
      time: { from: 'now-1h', to: 'now' },
      timezone: 'browser',
      templating: {
        list: [
          { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
          variable('job', 'label_values(zeroscope_build_info, job)', 'Job'),
          variable('instance', 'label_values(zeroscope_build_info{job=~"$job"}, instance)', 'Host'),
          variable('order', 'label_values(zeroscope_clears_total{job=~"$job", instance=~"$instance"}, order)', 'Order', 3),
          {
            name: 'buckets',
            label: 'Histograms',
            type: 'custom',
            query: 'classic : _bucket, native : ',
            options: [
              { text: 'classic', value: '_bucket', selected: true },
              { text: 'native', value: '', selected: false },
            ],
            current: { text: 'classic', value: '_bucket' },
          },
        ],
      },
      panels: std.foldl(place, std.flattenArrays([[row(g[0])] + g[1] for g in groups]), { x: 0, y: 0, h: 0, panels: [] }).panels,
    },
  },
}
