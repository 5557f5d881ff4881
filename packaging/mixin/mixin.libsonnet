// SPDX-License-Identifier: GPL-2.0-only
(import 'config.libsonnet') +
(import 'alerts.libsonnet') +
(import 'rules.libsonnet') +
(import 'dashboard.libsonnet')
