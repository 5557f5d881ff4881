// SPDX-License-Identifier: GPL-2.0-only
{
  _config+:: {
    // Which series are zeroscope's, where a Prometheus scrapes more than one job of it.
    selector: 'job=~".+"',
    // What tells clusters apart; rules add up over each of them.
    clusterLabel: 'cluster',
    // A clear of a 2 MiB folio takes a fraction of a millisecond on an idle machine.
    slowClearSeconds: 0.01,
    // With preempt=lazy a waiter waits for a tick, 10 ms at most; with none and voluntary for a
    // unit of clearing, which is far less.
    reschedDelaySeconds: 0.02,
    // How long the huge zero folio may stay pinned before somebody should look.
    zeroHoldSeconds: 7 * 24 * 3600,
    // Of one CPU.
    ownCpuShare: 0.02,
    dashboardUid: 'zeroscope',
  },
}
