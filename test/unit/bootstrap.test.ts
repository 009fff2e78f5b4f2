import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { type ClusterFacts, controlPlaneScript, readyScript, workerScript } from "../../infra/node-script";
import { contentHash, quote, remoteScript } from "../../infra/remote-script";

/** A machine of its own: a folder for what the scripts write, and stand-ins for the programs they call. */
let machine: string;

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), "daybreak-bootstrap-"));
  mkdirSync(join(machine, "bin"));
  for (const name of ["systemctl", "journalctl", "kubeadm", "kubectl", "curl", "openssl"]) program(name);
});

afterEach(() => rmSync(machine, { recursive: true }));

/** A program that notes how it was called, and then does `body`. */
function program(name: string, body = ""): void {
  const file = join(machine, "bin", name);
  writeFileSync(file, `#!/bin/bash\necho ${name} "$*" >>${machine}/calls\n${body}\n`);
  chmodSync(file, 0o755);
}

function calls(): string[] {
  const file = join(machine, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

function file(path: string, content = ""): void {
  mkdirSync(dirname(join(machine, path)), { recursive: true });
  writeFileSync(join(machine, path), content);
}

/** Runs a script as sudo's bash would, with its absolute paths inside the machine's folder. */
function run(script: string): { status: number | null; stderr: string } {
  const text = script.replaceAll(/(\/etc|\/var|\/run\/daybreak)/g, `${machine}$1`);
  const path = `${join(machine, "bin")}:${process.env["PATH"]}`;
  const { status, stderr } = spawnSync("bash", ["-s"], { input: text, encoding: "utf8", env: { PATH: path } });
  return { status, stderr: stderr.replaceAll(machine, "") };
}

/** The script without the part that prepares the machine, which needs a real one. */
function withoutPreparation(script: string): string {
  return script.replace(/\nbegin; prepare; /, "\nbegin; CRI_SOCKET=cri; ");
}

const facts: ClusterFacts = {
  settings: {
    kubernetesVersion: "1.35.4",
    podCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/12",
    failCgroupV1: true,
    aptMirror: undefined,
    imageMirror: undefined,
  },
  clusterName: "daybreak-dev",
  controlPlaneAddress: "10.0.1.10",
  publicAddress: "203.0.113.1",
  authority: { certificate: "CERTIFICATE\n", privateKey: "KEY\n", certificateHash: "sha256:00" },
  bootstrapToken: "abcdef.0123456789abcdef",
  encryptionKey: "a2V5",
};

const controlPlane = withoutPreparation(
  controlPlaneScript(facts, { nodeName: "control-plane", privateAddress: "10.0.1.10" }),
);
const worker = withoutPreparation(workerScript(facts, { nodeName: "worker-1", privateAddress: "10.0.2.10" }));

/** A script of the shared part and a few lines. */
function steps(lines: string): string {
  return remoteScript([], { NODE_NAME: "worker-1" }).replace(/begin\n$/, `begin; ${lines}\n`);
}

describe("rendering", () => {
  test.each(["", "plain", "it's", `"$(rm -rf /)"`, "a\nb\n\\n", "`id` $HOME \\", "한국어 !*?[]{}", "'''"])(
    "hands %j to bash as it is",
    (value) => {
      const { stdout } = spawnSync("bash", ["-s"], { input: `X=${quote(value)}\nprintf %s "$X"`, encoding: "utf8" });
      expect(stdout).toBe(value);
    },
  );

  test("the scripts are these", () => {
    expect(readyScript("control-plane", ["control-plane", "worker-1"])).toMatchSnapshot();
    const assignments = (script: string) => script.split("# shellcheck")[0]?.replace(/[A-Z_]+='[^']*\n[^']*'/g, "…");
    expect(assignments(controlPlane)).toMatchSnapshot();
    expect(assignments(worker)).toMatchSnapshot();
  });

  test("the hash follows the text, not the values", () => {
    expect(contentHash(["prepare", "worker"])).toBe(contentHash(["prepare", "worker"]));
    expect(contentHash(["prepare", "worker"])).not.toBe(contentHash(["prepare", "control-plane"]));
  });

  test("a script that arrives in part does nothing", () => {
    for (const part of [0.3, 0.6, 0.95]) run(controlPlane.slice(0, controlPlane.length * part));
    expect(calls()).toEqual([]);
    expect(existsSync(join(machine, "etc"))).toBe(false);
  });
});

describe("a step that fails", () => {
  test("names node, step, reason, the last useful lines and what to do next, but no token", () => {
    const { status, stderr } = run(
      steps(
        `step "joining"; echo harmless; echo "error: token abcdef.0123456789abcdef refused"; die "no luck" "ls -l"`,
      ),
    );
    expect(status).toBe(1);
    expect(stderr).toContain("worker-1: failed while joining: no luck");
    expect(stderr).toContain("error: token [token] refused");
    expect(stderr).not.toContain("harmless");
    expect(stderr).toContain("Next, on the node: ls -l");
    expect(stderr).toContain("Then run pulumi up again");
  });

  test("names the command when nobody gave a reason", () => {
    const { status, stderr } = run(steps(`step "copying"; cp /nonexistent /tmp/x; echo not reached`));
    expect(status).toBe(1);
    expect(stderr).toContain("worker-1: failed while copying: exit 1 of: cp /nonexistent /tmp/x");
    expect(stderr).toContain("cannot stat");
  });

  test("waits no longer than it says", () => {
    const { stderr } = run(steps(`step "waiting"; wait_until 1 "the moon" false`));
    expect(stderr).toContain("waited 1 s for the moon");
  });
});

test("files are written whole, with their mode", () => {
  run(steps(`write_file 0600 /etc/x/y "it's"`));
  const path = join(machine, "etc/x/y");
  expect(readFileSync(path, "utf8")).toBe("it's\n");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

describe("containerd's configuration", () => {
  const prepare = remoteScript(["prepare"], { NODE_NAME: "n", SANDBOX_IMAGE: "registry.k8s.io/pause:3.10.1" });

  test.each([
    ["1.6.20~ds1 1.6.20~ds1-1+deb12u3", 2],
    ["1.7.28", 2],
    ["v1.7.28 abcdef", 2],
    ["2.1.3", 3],
    ["v2.0.5 abcdef", 3],
  ])("of %s has version %s", (version, format) => {
    program("containerd", `echo containerd github.com/containerd/containerd${format === 3 ? "/v2" : ""} ${version}`);
    run(prepare.replace(/begin; prepare\n$/, `begin; containerd_config >/var/config.toml\n`));
    const config = readFileSync(join(machine, "var/config.toml"), "utf8");
    expect(config).toContain(`version = ${format}\n`);
    expect(config).toContain("SystemdCgroup = true");
    expect(config).toContain("registry.k8s.io/pause:3.10.1");
    expect(config.includes("io.containerd.cri.v1.runtime")).toBe(format === 3);
  });

  test("sends every registry to the mirror, and none when there is no more mirror", () => {
    const mirrors = (mirror: string) =>
      run(
        prepare.replace(
          /begin; prepare\n$/,
          `IMAGE_MIRROR=${mirror}; REGISTRIES="docker.io ghcr.io"; begin; write_mirrors\n`,
        ),
      );
    mirrors("http://mirror:5000");
    const hosts = join(machine, "etc/containerd/certs.d/docker.io/hosts.toml");
    expect(readFileSync(hosts, "utf8")).toMatchSnapshot();
    mirrors("''");
    expect(existsSync(hosts)).toBe(false);
  });
});

describe("the control plane's script", () => {
  test("initializes once, then only brings up to date and renews the token", () => {
    expect(run(controlPlane)).toMatchObject({ status: 0 });
    expect(calls().filter((call) => call.startsWith("kubeadm"))).toEqual([
      expect.stringMatching(/^kubeadm init --config=\S+kubeadm.yaml --skip-token-print$/),
    ]);
    expect(readFileSync(join(machine, "etc/kubernetes/pki/ca.crt"), "utf8")).toBe("CERTIFICATE\n");
    expect(statSync(join(machine, "etc/kubernetes/pki/ca.key")).mode & 0o777).toBe(0o600);
    expect(existsSync(join(machine, "run/daybreak/kubeadm.yaml"))).toBe(false);

    rmSync(join(machine, "calls"));
    program("openssl", "echo IP does match certificate");
    expect(run(controlPlane)).toMatchObject({ status: 0 });
    const phases = calls().filter((call) => call.startsWith("kubeadm"));
    expect(phases.map((call) => call.split(" --config")[0])).toEqual([
      "kubeadm init phase control-plane all",
      "kubeadm init phase upload-config all",
      "kubeadm init phase bootstrap-token",
    ]);
  });

  test("lets the cluster's DNS answers live for 5 s", () => {
    const corefile = "kubernetes cluster.local {\\n   ttl 30\\n}\\ncache 30\\n";
    const replaced = join(machine, "replaced");
    program("kubectl", `case $* in *configmap*) printf '${corefile}' ;; *replace*) cat >${replaced} ;; esac`);
    expect(run(controlPlane)).toMatchObject({ status: 0 });
    expect(readFileSync(replaced, "utf8")).toBe("kubernetes cluster.local {\n   ttl 5\n}\ncache 30\n");
  });

  test("makes the API server a new certificate for a new Elastic IP", () => {
    file("etc/kubernetes/daybreak/initialized");
    file("etc/kubernetes/pki/ca.crt", "CERTIFICATE\n");
    file("etc/kubernetes/pki/apiserver.crt");
    program("openssl", "echo IP 203.0.113.1 does NOT match certificate");
    expect(run(controlPlane)).toMatchObject({ status: 0 });
    expect(calls().join("\n")).toContain("kubeadm init phase certs apiserver");
    expect(existsSync(join(machine, "etc/kubernetes/pki/apiserver.crt"))).toBe(false);
  });

  test("completes an init that was cut off", () => {
    file("etc/kubernetes/manifests/kube-apiserver.yaml");
    expect(run(controlPlane)).toMatchObject({ status: 0 });
    const inits = calls().filter((call) => call.startsWith("kubeadm"));
    expect(inits).toHaveLength(1);
    expect(inits[0]).toContain("--ignore-preflight-errors=DirAvailable--var-lib-etcd,FileAvailable--etc-kubernetes");
  });

  test("starts from nothing where the API server never answered", () => {
    file("etc/kubernetes/manifests/kube-apiserver.yaml");
    program("kubeadm", `[[ $* != *ignore-preflight* ]]`);
    program("kubectl", `[[ $* != *readyz* ]]`);
    expect(run(controlPlane)).toMatchObject({ status: 0 });
    const order = calls().filter((call) => call.startsWith("kubeadm"));
    expect(order.map((call) => call.split(" ")[1])).toEqual(["init", "reset", "init"]);
  });

  test("never resets a cluster that answers", () => {
    file("etc/kubernetes/manifests/kube-apiserver.yaml");
    program("kubeadm", `[[ $* != *ignore-preflight* ]]`);
    expect(run(controlPlane)).toMatchObject({ status: 1 });
    expect(calls().join("\n")).not.toContain("reset");
  });

  test("refuses a machine whose cluster has another authority", () => {
    file("etc/kubernetes/daybreak/initialized");
    file("etc/kubernetes/pki/ca.crt", "ANOTHER\n");
    const { status, stderr } = run(controlPlane);
    expect(status).toBe(1);
    expect(stderr).toContain("another authority");
    expect(readFileSync(join(machine, "etc/kubernetes/pki/ca.crt"), "utf8")).toBe("ANOTHER\n");
  });

  test("shows no secret in its output, its log or the programs it starts", () => {
    const { stderr } = run(controlPlane);
    const log = readFileSync(join(machine, "var/log/daybreak-bootstrap.log"), "utf8");
    for (const secret of ["0123456789abcdef", "KEY\n", "a2V5"])
      expect(`${stderr}${log}${calls().join("\n")}\n`).not.toContain(secret);
  });
});

describe("a worker's script", () => {
  const signed = `echo '"jws-kubeconfig-abcdef": "x"'`;

  test("joins as soon as the API server knows the token", () => {
    // The first answer comes before the token is signed for.
    program("curl", `(($(grep -c ^curl ${join(machine, "calls")}) > 1)) && ${signed}`);
    expect(run(worker)).toMatchObject({ status: 0 });
    const kubeadm = calls().filter((call) => call.startsWith("kubeadm"));
    expect(kubeadm).toEqual([expect.stringMatching(/^kubeadm join --config=\S+join.yaml$/)]);
    expect(existsSync(join(machine, "run/daybreak/join.yaml"))).toBe(false);
  });

  test("leaves a member alone", () => {
    program("curl", signed);
    file("etc/kubernetes/kubelet.conf");
    expect(run(worker)).toMatchObject({ status: 0 });
    expect(calls()).toContain("systemctl start kubelet");
    expect(calls().join("\n")).not.toContain("kubeadm");
  });

  test("joins anew where the cluster does not know it", () => {
    program("curl", signed);
    program("kubectl", `echo 'Error from server (NotFound): nodes "worker-1" not found' >&2; exit 1`);
    file("etc/kubernetes/kubelet.conf");
    expect(run(worker)).toMatchObject({ status: 0 });
    const order = calls().filter((call) => call.startsWith("kubeadm"));
    expect(order.map((call) => call.split(" ")[1])).toEqual(["reset", "join"]);
  });

  test("does not guess where the API server gives no clear answer", () => {
    program("curl", signed);
    program("kubectl", "echo 'net/http: TLS handshake timeout' >&2; exit 1");
    file("etc/kubernetes/kubelet.conf");
    const { status, stderr } = run(worker);
    expect(status).toBe(1);
    expect(stderr).toContain("cannot tell whether the node is a member: net/http: TLS handshake timeout");
    expect(calls().join("\n")).not.toContain("kubeadm");
  });
});

describe("the last script", () => {
  test("says which node is not Ready and why", () => {
    program(
      "kubectl",
      `case $* in *wait*) exit 1 ;; *jsonpath*) printf 'control-plane True ok\\nworker-1 False no network plugin\\n' ;; esac`,
    );
    const { status, stderr } = run(readyScript("control-plane", ["control-plane", "worker-1"]));
    expect(status).toBe(1);
    expect(stderr).toContain("not every node is Ready after 240 s: worker-1 False no network plugin");
  });

  test("says which pods keep cluster DNS from starting", () => {
    program(
      "kubectl",
      `case $* in *deployment/coredns*) exit 1 ;; *"get pods"*)
         printf 'kube-system coredns-1 0/1 ContainerCreating 0 1m\\nkube-flannel ds-1 0/1 CrashLoopBackOff 3 1m\\nkube-system etcd 1/1 Running 0 1m\\n' ;;
       esac`,
    );
    const { stderr } = run(readyScript("control-plane", ["control-plane"]));
    expect(stderr).toContain(
      "deployment/coredns is not ready after 180 s: kube-system/coredns-1 ContainerCreating;kube-flannel/ds-1 CrashLoopBackOff",
    );
    expect(stderr).not.toContain("etcd");
  });
});
