// SPDX-License-Identifier: GPL-2.0-only
{
  _config+:: {
    // Which targets are zeroscope's: ZeroscopeDown is about all of them.
    selector: 'job=~"zeroscope.*"',
    // What tells clusters apart; rules add up over each of them.
    clusterLabel: 'cluster',
    // A clear of a 2 MiB folio takes a fraction of a millisecond on an idle machine.
    slowClearSeconds: 0.01,
    // What a preemption model allows, twice over, since a quantile is known to the nearest power of
    // two: with lazy a tick, which is 10 ms at CONFIG_HZ=100 and less elsewhere; with none and
    // voluntary the unit that is cleared between two looks, which should take far less.
    lazyDelaySeconds: 0.02,
    voluntaryDelaySeconds: 0.02,
    // How long the huge zero folio may stay pinned before somebody should look.
    zeroHoldSeconds: 7 * 24 * 3600,
    // Of one CPU.
    ownCpuShare: 0.02,
    dashboardUid: 'zeroscope',
  },
}
