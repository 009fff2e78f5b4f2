import { images } from "../../../config/versions";
import { RULES } from "../../../k8s/alerts/groups";
import { shell } from "../lab-cli";
import { tell } from "../tell";
import { until } from "../until";
import { upWith } from "./config";
import { type Alert, Monitoring } from "./monitoring";

const MINUTE = 60_000;

/** The users want to know of a failure within 15 minutes; the fastest rule needs 30 s, and each step on the way a few. */
const LIMIT_SECONDS = 180;

/** Alerts on a platform that runs: all rules are there and work, and one tells of a service that stops. */
export function alertsOnThePlatform(lab: string): void {
  const monitoring = new Monitoring(lab);

  it(
    "has every rule of ours loaded, and each can be evaluated",
    async () => {
      const loaded = await monitoring.rules();
      const faulty = loaded.filter(({ health }) => health !== "ok");
      expect(faulty).toEqual([]);
      const ours = Object.values(RULES).flat();
      const wanted = ours.flatMap(({ name, rules }) => rules.map((rule) => `${name} ${nameOf(rule)}`));
      expect(loaded.map(({ group, name }) => `${group} ${name}`)).toEqual(expect.arrayContaining(wanted));
    },
    6 * MINUTE,
  );

  it(
    "has nothing to complain about while all is well",
    async () => {
      const ours = new Set(Object.values(RULES).flatMap((groups) => groups.flatMap(({ rules }) => rules.map(nameOf))));
      // How fast the page comes depends on what else this machine does, and a load was on it just before.
      ours.delete("ProductpageLatencyBurn");
      const firing = (await monitoring.alerts()).filter(({ labels }) => ours.has(labels["alertname"] ?? ""));
      expect(firing).toEqual([]);
    },
    6 * MINUTE,
  );

  it(
    `tells Alertmanager within ${LIMIT_SECONDS} s of a service that stops, and Alertmanager the webhook`,
    async () => {
      const kubectl = (...args: string[]) => shell(lab, ["kubectl", ...args]);
      const scale = (replicas: number) =>
        kubectl("--namespace=bookinfo", "scale", "deployment/details-v1", `--replicas=${replicas}`);
      await kubectl("run", "receiver", `--image=${images.agnhost}`, "--", "netexec", "--http-port=8080");
      await kubectl("wait", "pod/receiver", "--for=condition=Ready", "--timeout=60s");
      const address = await kubectl("get", "pod/receiver", "--output=jsonpath={.status.podIP}");
      await upWith(lab, {}, { "alerts.webhook.url": `http://${address}:8080/` });
      await scale(0);
      try {
        const isAbout = ({ labels }: Alert) =>
          labels["alertname"] === "BookinfoServiceDown" && labels["deployment"] === "details-v1";
        const { answer: alerts, seconds } = await until(
          () => monitoring.alerts(),
          (all) => all.some(isAbout),
          LIMIT_SECONDS,
        );
        expect(alerts.filter(isAbout)).toHaveLength(1);
        tell(`Alertmanager had the alert ${seconds.toFixed(0)} s after the service was stopped`);
        await delivered(LIMIT_SECONDS);
      } finally {
        await scale(2);
        await upWith(lab, {});
        await kubectl("delete", "pod/receiver", "--now");
      }
    },
    10 * MINUTE,
  );

  /** Waits until Alertmanager says that the webhook has taken a message. */
  async function delivered(limitSeconds: number): Promise<void> {
    const messages = (what: string) => `sum(alertmanager_${what}{integration="webhook"}) or vector(0)`;
    const ask = async () => {
      const queries = [messages("notifications_total"), messages("notifications_failed_total")];
      const [[sent = 0] = [], [failed = 0] = []] = await monitoring.values(queries);
      return { sent, failed };
    };
    const { answer } = await until(ask, ({ sent, failed }) => sent > failed, limitSeconds);
    expect(answer.sent).toBeGreaterThan(answer.failed);
  }
}

function nameOf(rule: { alert: string } | { record: string }): string {
  return "alert" in rule ? rule.alert : rule.record;
}
