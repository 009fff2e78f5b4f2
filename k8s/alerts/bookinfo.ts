import type { RuleGroup } from "./rule";

/**
 * A service of Bookinfo that has stopped. Productpage goes on answering 200 without its details or reviews, so its own
 * objectives never show that. 30 s is longer than a rolling restart of one replica that has its successor ready first.
 */
export const BOOKINFO: RuleGroup = {
  name: "bookinfo",
  interval: "15s",
  rules: [
    {
      alert: "BookinfoServiceDown",
      expr: 'kube_deployment_status_replicas_available{namespace="bookinfo"} == 0',
      for: "30s",
      labels: { severity: "critical" },
      annotations: {
        summary: "{{ $labels.deployment }} has no pod that is ready.",
        description:
          "The page shows a gap in its place, or is not there at all. See kubectl -n bookinfo describe deployment {{ $labels.deployment }}.",
      },
    },
  ],
};
