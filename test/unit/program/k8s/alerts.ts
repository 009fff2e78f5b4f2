import { alertReceivers } from "../../../../config/alerts";
import { RULES } from "../../../../k8s/alerts/groups";
import { DISK_SHORT } from "../../../../k8s/alerts/disk";
import { MEMORY_SHORT } from "../../../../k8s/alerts/memory";
import { MESHED_NAMESPACES } from "../../../../k8s/alerts/mesh";
import { alertmanagerConfig, receiverSecrets } from "../../../../k8s/alerts/receivers";
import type { AlertRule } from "../../../../k8s/alerts/rule";
import { initConfig } from "../../../../infra/kubeadm-config";
import { type Run, runK8s } from "../../k8s-program";

type Tree = Record<string, unknown>;

const alerts = Object.values(RULES)
  .flat()
  .flatMap(({ rules }) => rules.filter((rule): rule is AlertRule => "alert" in rule));

/** Every receiver, with a secret each. */
const RECEIVERS = {
  webhook: { url: "https://alerts.example.com/key-1" },
  slack: { url: "https://hooks.example.com/key-2", channel: "#ops", severity: "critical" },
  email: { to: "ops@example.com", from: "lab@example.com", smarthost: "mail:587", username: "lab", password: "key-3" },
};
const chosen = alertReceivers.parse(RECEIVERS);

let run: Run;
beforeAll(async () => {
  run = await runK8s({ alerts: RECEIVERS }, undefined, ["alerts"]);
}, 60_000);

describe("the rules", () => {
  it("are all in the cluster, after the operator that checks them", () => {
    const rules = run.resources.filter(
      ({ type, parent }) => type === "kubernetes:monitoring.coreos.com/v1:PrometheusRule" && parent === "alerts",
    );
    const made = Object.fromEntries(rules.map(({ name, inputs }) => [name, inputs["spec"]]));
    const wanted = Object.entries(RULES).map(([concern, groups]) => [`daybreak-${concern}`, { groups }]);
    expect(made).toEqual(Object.fromEntries(wanted));
    for (const { inputs, dependsOn } of rules) {
      expect(inputs["metadata"]).toMatchObject({ namespace: "monitoring" });
      expect(dependsOn).toContain("prometheus");
    }
  });

  it("say what is wrong, where, and what to do", () => {
    for (const { annotations, expr } of alerts) {
      expect(annotations.summary).toMatch(/^[^\n]+\.$/);
      expect(annotations.description).toMatch(/^[^\n]+[.?]$/);
      // What is said of one object names it.
      if (!/^(sum|count|productpage:|issuer_)/.test(expr)) expect(annotations.summary).toContain("$labels.");
    }
  });

  it("are known by name, severity and window, so that none hides another", () => {
    const ids = alerts.map(({ alert, labels }) => [alert, ...Object.values(labels)].join(" "));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("wait for five minutes at most before they fire", () => {
    for (const rule of alerts) expect(["30s", "1m", "2m", "5m", undefined]).toContain(rule.for);
  });

  it("replace those of the chart that would fire after them", () => {
    const { values } = run.get("helm.sh/v3:Release", "prometheus").inputs as { values: { defaultRules: Tree } };
    expect(values.defaultRules).toEqual({ disabled: { TargetDown: true, KubeNodeNotReady: true } });
  });

  it("watch every namespace that is meshed", () => {
    const meshed = run.resources
      .filter(({ type }) => type === "kubernetes:core/v1:Namespace")
      .filter(({ inputs }) => {
        const { annotations = {} } = inputs["metadata"] as { annotations?: Tree };
        return annotations["linkerd.io/inject"] === "enabled";
      });
    expect(meshed.length).toBeGreaterThan(1);
    expect(MESHED_NAMESPACES).toEqual(expect.arrayContaining(meshed.map(({ name }) => name)));
  });

  it("speak up before the kubelet evicts", () => {
    const kubeadm = initConfig({
      ...{ nodeName: "a", privateAddress: "10.0.1.10", publicAddress: "203.0.113.1", failCgroupV1: true },
      ...{ clusterName: "a", kubernetesVersion: "1.35.4", podCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/12" },
      bootstrapToken: "abcdef.0123456789abcdef",
    });
    const bytes = (signal: string) => {
      const [, number, unit] = new RegExp(`${signal}: (\\d+)([MG])i`).exec(kubeadm.replaceAll('"', "")) ?? [];
      return Number(number) * 2 ** (unit === "G" ? 30 : 20);
    };
    expect(DISK_SHORT).toBeGreaterThan(bytes("imagefs.available"));
    expect(MEMORY_SHORT).toBeGreaterThan(bytes("memory.available"));
  });
});

describe("receivers", () => {
  it("get what their severity lets through, each by its own route", () => {
    expect(alertmanagerConfig(chosen)["route"]).toMatchObject({
      receiver: "null",
      routes: [
        { receiver: "null", matchers: ['alertname=~"Watchdog|InfoInhibitor"'] },
        { receiver: "webhook", matchers: ['severity=~"warning|critical"'], continue: true },
        { receiver: "slack", matchers: ["severity=critical"], continue: true },
        { receiver: "email", matchers: ['severity=~"warning|critical"'], continue: true },
      ],
    });
  });

  it("are spelt as Alertmanager wants them, and read their secrets from files", () => {
    const folder = "/etc/alertmanager/secrets/alert-receivers";
    expect(alertmanagerConfig(chosen)["receivers"]).toMatchObject([
      { name: "null" },
      { name: "webhook", webhook_configs: [{ url_file: `${folder}/webhook-url`, send_resolved: true }] },
      { name: "slack", slack_configs: [{ api_url_file: `${folder}/slack-url`, channel: "#ops" }] },
      {
        name: "email",
        email_configs: [
          {
            ...{ to: "ops@example.com", from: "lab@example.com", smarthost: "mail:587", require_tls: true },
            ...{ auth_username: "lab", auth_password_file: `${folder}/email-password` },
          },
        ],
      },
    ]);
  });

  it("are none where none is named: alerts are only shown", () => {
    const none = alertReceivers.parse({});
    expect(alertmanagerConfig(none)).toMatchObject({ receivers: [{ name: "null" }], route: { receiver: "null" } });
    expect(receiverSecrets(none)).toEqual({});
  });

  it("keep their secrets in one Secret, mounted where the configuration looks", () => {
    const { inputs, secrets } = run.get("core/v1:Secret", "alert-receivers");
    expect(inputs["stringData"]).toEqual({
      "webhook-url": RECEIVERS.webhook.url,
      "slack-url": RECEIVERS.slack.url,
      "email-password": RECEIVERS.email.password,
    });
    expect(secrets).toEqual(["stringData"]);
    expect(run.get("helm.sh/v3:Release", "prometheus").inputs["values"]).toMatchObject({
      alertmanager: { alertmanagerSpec: { secrets: ["alert-receivers"] } },
    });
  });

  it("show them nowhere else", () => {
    const open = run.resources.filter(({ name }) => name !== "alert-receivers");
    expect(JSON.stringify([open.map(({ inputs }) => inputs), run.outputs])).not.toMatch(/key-[123]/);
  });
});

describe("their configuration", () => {
  it("is refused where secrets are not encrypted, without showing them", async () => {
    const refusal = runK8s({ alerts: RECEIVERS });
    await expect(refusal).rejects.toThrow(/not encrypted[^]*pulumi config set --stack dev-k8s --secret --path/);
    await expect(runK8s({ alerts: RECEIVERS })).rejects.not.toThrow(/key-[123]/);
  });

  it("needs no encryption for an open mail server", async () => {
    const { to, from, smarthost } = RECEIVERS.email;
    await expect(runK8s({ alerts: { email: { to, from, smarthost } } })).resolves.toBeDefined();
  });

  it.each([
    [{ webhook: { url: "alerts.example.com" } }, "not an http or https URL"],
    [{ slack: { url: "http://hooks.example.com" } }, "not an https URL"],
    [{ slack: { url: "https://hooks.example.com", channel: "ops" } }, "not a channel of the form #name"],
    [{ email: { to: "ops", from: "a@b", smarthost: "mail:587" } }, "not an e-mail address"],
    [{ email: { to: "a@b", from: "a@b", smarthost: "mail" } }, "not of the form host:port"],
    [{ webhook: { url: "https://a", severity: "info" } }, "neither critical nor warning"],
    [{ pager: {} }, 'Unrecognized key: "pager"'],
  ])("%j: %s", (alerts, reason) => {
    const { error } = alertReceivers.safeParse(alerts);
    expect(error?.issues.map(({ message }) => message)).toEqual([reason]);
  });
});
