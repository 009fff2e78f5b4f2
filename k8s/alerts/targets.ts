import type { RuleGroup } from "./rule";

/** A platform with fewer targets is not whole: the users' own criterion. */
export const MIN_TARGETS = 15;

/** Whether Prometheus sees what it should: without its targets, every other rule is blind. */
export const TARGETS: RuleGroup = {
  name: "targets",
  rules: [
    {
      // In place of the chart's rule of the same name: ten minutes there, and only where a tenth of a job is down.
      alert: "TargetDown",
      expr: "up == 0",
      for: "2m",
      labels: { severity: "warning" },
      annotations: {
        summary: "Prometheus does not reach {{ $labels.job }} at {{ $labels.instance }}.",
        description: "Its figures and its alerts are missing. The page Status > Targets of Prometheus has the error.",
      },
    },
    {
      alert: "TargetsMissing",
      expr: `count(up) < ${MIN_TARGETS}`,
      for: "5m",
      labels: { severity: "warning" },
      annotations: {
        summary: `Prometheus knows {{ $value }} targets, not ${MIN_TARGETS} or more.`,
        description: "Monitors or whole workloads have gone. See kubectl get servicemonitors,podmonitors -A.",
      },
    },
  ],
};
