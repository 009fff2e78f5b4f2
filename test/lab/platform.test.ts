import { join } from "node:path";

import { summarize } from "../../lab/pulumi";
import { trafficTests } from "./platform/traffic";
import { inShell, lab, output, PROJECT_DIR, run, shell } from "./lab-cli";
import { accessToThePlatform } from "./platform/access";
import { autoscalingOnThePlatform } from "./platform/autoscaling";
import { alertsOnThePlatform } from "./platform/alerts";
import { budgetOfThePlatform } from "./platform/budget";
import { dashboardsOnThePlatform } from "./platform/dashboards";
import { canaryOfReviews } from "./platform/canary";
import { logsOfThePlatform } from "./platform/logs";
import { bookinfoInTheMesh } from "./platform/mesh";
import { tracesOfThePlatform } from "./platform/traces";

/** Not the lab that a developer may have running on the same machine. */
const NAME = "test";
const MINUTE = 60_000;

interface CheckReport {
  ok: boolean;
  groups: { name: string; checks: { name: string; status: "passed" | "failed" | "skipped"; detail?: string }[] }[];
  diagnoses: { id: string; cause: string; remedy: string }[];
}

async function check(): Promise<CheckReport> {
  const { stdout, stderr } = await inShell(NAME, ["npm", "run", "-s", "check", "--", "--stack", "lab", "--json"]);
  if (!stdout.startsWith("{")) throw new Error(`no report:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as CheckReport;
}

async function up(stack: string, env: Record<string, string> = {}): Promise<Record<string, number>> {
  return summarize(await shell(NAME, ["pulumi", "up", "--stack", stack, "--yes", "--skip-preview"], env));
}

function failedIn(report: CheckReport): string[] {
  return report.groups.filter(({ checks }) => checks.some(({ status }) => status === "failed")).map(({ name }) => name);
}

/** What failed and why, so that a failing test says it. */
function failures({ groups }: CheckReport): string[] {
  return groups.flatMap(({ name: group, checks }) =>
    checks.filter(({ status }) => status === "failed").map(({ name, detail }) => `${group}: ${name}: ${detail}`),
  );
}

/** Runs a command as root on the control plane, over SSH with the stack's own outputs. */
async function onControlPlane(command: string): Promise<string> {
  const script = `
    set -euo pipefail
    umask 077
    keys=$(mktemp -d)
    trap 'rm -r "$keys"' EXIT
    output() { pulumi stack output "$1" --show-secrets --stack lab; }
    output privateKey > "$keys/key"
    output sshKnownHosts > "$keys/known_hosts"
    ssh -i "$keys/key" -o UserKnownHostsFile="$keys/known_hosts" "ubuntu@$(output masterPublicIp)" sudo sh <<< "$1"`;
  return shell(NAME, ["bash", "-c", script, "bash", command]);
}

describe("both stacks on real machines", () => {
  beforeAll(async () => {
    await lab("stop", "--lab", NAME);
    // A bare server, so that the nodes fetch packages and images from the mirror as they do on AWS.
    await lab("start", "--lab", NAME, "--empty", "--image", "base");
    await shell(NAME, ["pulumi", "stack", "init", "lab"]);
    await shell(NAME, ["pulumi", "stack", "init", "lab-k8s"]);
  }, 60 * MINUTE);

  afterAll(async () => {
    await lab("stop", "--lab", NAME);
  }, 2 * MINUTE);

  describe("with the security group that the users first had", () => {
    let report: CheckReport;

    beforeAll(async () => {
      const preload = join(PROJECT_DIR, "test", "lab", "seeds-security-group.cjs");
      // In one shell, as a user would: what kubectl finds has to follow what was raised there.
      const known = "timeout 30 bash -c 'until kubectl get nodes; do sleep 1; done'";
      const script = `pulumi up --stack lab --yes --skip-preview; ${known}`;
      await shell(NAME, ["bash", "-ec", script], { NODE_OPTIONS: `--require=${preload}` });
      report = await check();
    }, 10 * MINUTE);

    it("looks healthy from outside: every node is Ready", () => {
      expect(failedIn(report)).not.toContain("nodes");
    });

    it.each(["kubelet", "pod-network", "node-ports"])("fails in %s, as the users recorded", (group) => {
      expect(failedIn(report)).toContain(group);
    });

    it("names the security group as the cause", () => {
      expect(report.ok).toBe(false);
      expect(report.diagnoses.map(({ cause }) => cause).join("\n")).toMatch(/8472.*10250|10250.*8472/s);
    });
  });

  it(
    "heals with the rule, put there by pulumi up",
    async () => {
      const changes = await up("lab");
      expect(changes).toMatchObject({ updated: 1 });
      const report = await check();
      expect(failures(report)).toEqual([]);
      expect(report.ok).toBe(true);
    },
    5 * MINUTE,
  );

  describe("with the workloads", () => {
    beforeAll(async () => {
      await up("lab-k8s");
    }, 15 * MINUTE);

    it(
      "passes every check",
      async () => {
        const report = await check();
        expect(failures(report)).toEqual([]);
        const skipped = report.groups.flatMap(({ checks }) => checks).filter(({ status }) => status === "skipped");
        expect(skipped).toEqual([]);
      },
      5 * MINUTE,
    );

    it(
      "answers at the URLs of its outputs",
      async () => {
        const code = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"];
        const grafana = await output(NAME, "lab-k8s", "grafanaUrl");
        expect(await shell(NAME, [...code, await output(NAME, "lab-k8s", "bookinfoUrl")])).toMatch(/^200/);
        expect(await shell(NAME, [...code, grafana])).toMatch(/^302 .*\/login$/);
      },
      5 * MINUTE,
    );

    it(
      "keeps its secrets out of plain outputs",
      async () => {
        for (const [stack, secret] of [
          ["lab", "kubeconfig"],
          ["lab", "privateKey"],
          ["lab-k8s", "grafanaPassword"],
          ["lab-k8s", "viewerKubeconfig"],
        ] as const) {
          const plain = JSON.parse(
            await shell(NAME, ["pulumi", "stack", "output", "--json", "--stack", stack]),
          ) as object;
          expect(plain).toHaveProperty(secret, "[secret]");
        }
      },
      5 * MINUTE,
    );

    describe("under load", () => trafficTests(NAME));

    it(
      "changes nothing at the second up, though all of it was read anew",
      async () => {
        for (const stack of ["lab", "lab-k8s"]) {
          await shell(NAME, ["pulumi", "refresh", "--stack", stack, "--yes", "--skip-preview"]);
          const { unchanged, ...changes } = await up(stack);
          expect(changes).toEqual({});
          expect(unchanged).toBeGreaterThan(10);
        }
      },
      5 * MINUTE,
    );

    it(
      "encrypts Secrets at rest",
      async () => {
        await shell(NAME, ["kubectl", "create", "secret", "generic", "at-rest", "--from-literal=word=abracadabra"]);
        await shell(NAME, ["kubectl", "create", "configmap", "at-rest", "--from-literal=word=simsalabim"]);
        const words = await onControlPlane(
          "cat /var/lib/etcd/member/wal/*.wal /var/lib/etcd/member/snap/db | grep -aoE 'k8s:enc:secretbox|abracadabra|simsalabim'",
        );
        expect(words).toContain("k8s:enc:secretbox");
        expect(words).not.toContain("abracadabra");
        // What is not encrypted can be read there: otherwise the line above would prove nothing.
        expect(words).toContain("simsalabim");
      },
      5 * MINUTE,
    );

    budgetOfThePlatform(NAME);
    dashboardsOnThePlatform(NAME);
    alertsOnThePlatform(NAME);
    accessToThePlatform(NAME);
    describe("Bookinfo in the mesh", () => bookinfoInTheMesh(NAME));

    describe("logs", () => logsOfThePlatform(NAME));

    describe("traces", () => tracesOfThePlatform(NAME));

    describe("npm run canary", () => canaryOfReviews(NAME));

    describe("autoscaling", () => autoscalingOnThePlatform(NAME));
  });

  it(
    "destroys both stacks and leaves no machine",
    async () => {
      await shell(NAME, ["pulumi", "destroy", "--stack", "lab-k8s", "--yes", "--skip-preview"]);
      await shell(NAME, ["pulumi", "destroy", "--stack", "lab", "--yes", "--skip-preview"]);
      const machines = await run("pgrep", ["-fc", `systemd-nspawn.*daybreak-${NAME}`]);
      expect(machines.stdout.trim()).toBe("0");
    },
    5 * MINUTE,
  );

  it(
    "leaves nothing on this machine once stopped",
    async () => {
      await lab("stop", "--lab", NAME);
      const namespaces = await run("ip", ["netns", "list"]);
      const mounts = await run("findmnt", ["--list", "--noheadings", "--output", "TARGET"]);
      expect(namespaces.stdout).not.toContain(`daybreak-${NAME}`);
      expect(mounts.stdout).not.toContain(`/daybreak/labs/${NAME}`);
    },
    2 * MINUTE,
  );
});
