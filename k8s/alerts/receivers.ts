import type { AlertReceivers } from "../../config/alerts";
import type { Values } from "../values";
import type { Severity } from "./rule";

/** Secret with everything about the receivers that nobody may read: addresses that are keys, and passwords. */
export const RECEIVERS_SECRET = "alert-receivers";

/** The operator mounts Secrets named in `alertmanagerSpec.secrets` there; Alertmanager reads them at each message. */
const FOLDER = `/etc/alertmanager/secrets/${RECEIVERS_SECRET}`;

/** What the chart's own configuration sends nowhere: a heartbeat, and an alert that only keeps others quiet. */
const SILENT = 'alertname=~"Watchdog|InfoInhibitor"';

/** The Secret's content. Empty where no receiver has a secret. */
export function receiverSecrets({ webhook, slack, email }: AlertReceivers): Record<string, string> {
  return {
    ...(webhook && { "webhook-url": webhook.url }),
    ...(slack && { "slack-url": slack.url }),
    ...(email?.password && { "email-password": email.password }),
  };
}

interface Receiver {
  /** The least severity it gets. */
  severity: Severity;
  /** Its part of Alertmanager's configuration. */
  configuration: Values;
}

/** Receivers in Alertmanager's own words, without anything secret. */
function receivers({ webhook, slack, email }: AlertReceivers): Record<string, Receiver> {
  const always = { send_resolved: true };
  const made: Record<string, Receiver> = {};
  if (webhook)
    made["webhook"] = {
      severity: webhook.severity,
      configuration: { webhook_configs: [{ url_file: `${FOLDER}/webhook-url`, ...always }] },
    };
  if (slack)
    made["slack"] = {
      severity: slack.severity,
      configuration: {
        slack_configs: [
          { api_url_file: `${FOLDER}/slack-url`, ...(slack.channel && { channel: slack.channel }), ...always, ...TEXT },
        ],
      },
    };
  if (email) made["email"] = { severity: email.severity, configuration: { email_configs: [emailConfig(email)] } };
  return made;
}

const TEXT = {
  title: "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }}{{ with .CommonLabels.severity }} ({{ . }}){{ end }}",
  text: "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n{{ end }}",
};

function emailConfig(email: NonNullable<AlertReceivers["email"]>): Values {
  const { to, from, smarthost, username, password, requireTls } = email;
  return {
    ...{ to, from, smarthost, require_tls: requireTls, send_resolved: true },
    ...(username && { auth_username: username }),
    ...(password && { auth_password_file: `${FOLDER}/email-password` }),
  };
}

/**
 * Alertmanager's configuration, the value `alertmanager.config` of kube-prometheus-stack. Messages are sent ten seconds
 * after the first alert of a kind, changes to it a minute later, and repeated every four hours. Of an alert that burns
 * at two severities only the critical one is sent.
 */
export function alertmanagerConfig(chosen: AlertReceivers): Values {
  const made = Object.entries(receivers(chosen));
  return {
    route: {
      receiver: "null",
      group_by: ["namespace", "alertname"],
      group_wait: "10s",
      group_interval: "1m",
      repeat_interval: "4h",
      routes: [
        { receiver: "null", matchers: [SILENT] },
        ...made.map(([receiver, { severity }]) => ({ receiver, matchers: [matcher(severity)], continue: true })),
      ],
    },
    receivers: [{ name: "null" }, ...made.map(([name, { configuration }]) => ({ name, ...configuration }))],
    inhibit_rules: [
      {
        source_matchers: ["severity=critical"],
        target_matchers: ["severity=warning"],
        equal: ["namespace", "alertname"],
      },
      // The chart's own two: a warning keeps what is only worth knowing quiet, and so does its alert for that purpose.
      {
        source_matchers: ['severity=~"warning|critical"'],
        target_matchers: ["severity=info"],
        equal: ["namespace", "alertname"],
      },
      { source_matchers: ["alertname=InfoInhibitor"], target_matchers: ["severity=info"], equal: ["namespace"] },
    ],
  };
}

const matcher = (least: Severity) => (least === "critical" ? "severity=critical" : 'severity=~"warning|critical"');
