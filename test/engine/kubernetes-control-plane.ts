/** A real etcd, kube-apiserver and kube-controller-manager on loopback, without nodes: pods stay pending for ever. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheDir } from "../../lab/cache";

/** Token of the only user, who may do everything; good for this control plane's life of a minute. */
const TOKEN = "engine-test-administrator";
/** Longest start, seconds. */
const START_SECONDS = 40;

/** A control plane that answers. */
export interface ControlPlane {
  /** Path of its kubeconfig. */
  kubeconfigPath: string;
  /** Stops the API server only: the cluster becomes unreachable. */
  breakDown(): Promise<void>;
  /** Starts it again and waits for it. */
  repair(): Promise<void>;
  /** Stops everything. */
  stop(): Promise<void>;
}

/** Path of a tool that the lab built, or of one on the PATH; undefined when there is none. */
export function findTool(...names: string[]): string | undefined {
  const built = join(cacheDir(), "tools");
  const folders = existsSync(built) ? readdirSync(built).map((name) => join(built, name)) : [];
  const all = [join(cacheDir(), "bin"), ...folders, ...(process.env.PATH ?? "").split(delimiter)];
  return names.flatMap((name) => all.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Starts a control plane with its files in `directory`; takes about 10 s. */
export async function startControlPlane(directory: string): Promise<ControlPlane> {
  const [clientPort, peerPort, apiPort] = await freePorts(3);
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const key = join(directory, "service-accounts.key");
  execFileSync("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], { stdio: "ignore" });
  writeFileSync(join(directory, "tokens.csv"), `${TOKEN},admin,1,"system:masters"\n`, { mode: 0o600 });
  const run = (names: string[], args: string[]) => start(directory, names, args);
  const etcd = run(
    ["etcd", "server"],
    [
      `--data-dir=${join(directory, "etcd")}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      "--unsafe-no-fsync",
    ],
  );
  const startApi = () =>
    run(
      ["kube-apiserver"],
      [
        `--etcd-servers=${etcdUrl}`,
        `--secure-port=${apiPort}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--cert-dir=${join(directory, "certificates")}`,
        `--token-auth-file=${join(directory, "tokens.csv")}`,
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
        "--service-account-issuer=https://kubernetes.default.svc",
      ],
    );
  let api = startApi();
  const processes = [etcd, api];
  const kubeconfigPath = join(directory, "kubeconfig");
  try {
    const certificate = join(directory, "certificates", "apiserver.crt");
    await until("the API server's certificate", processes, () => existsSync(certificate));
    const kubeconfig = kubeconfigFor(`https://127.0.0.1:${apiPort}`, readFileSync(certificate));
    writeFileSync(kubeconfigPath, kubeconfig, { mode: 0o600 });
    const kubectl = [findTool("kubectl") ?? "kubectl", `--kubeconfig=${kubeconfigPath}`] as const;
    const ready = () => answers(kubectl[0], [kubectl[1], "get", "--raw=/readyz"]);
    await until("the API server", processes, ready);
    processes.push(
      run(["kube-controller-manager"], [`--kubeconfig=${kubeconfigPath}`, "--leader-elect=false", "--secure-port=0"]),
    );
    const account = [kubectl[1], "get", "serviceaccount", "default"];
    await until("the controllers", processes, () => answers(kubectl[0], account));
    const stopAll = async () => void (await Promise.all(processes.reverse().map(stop)));
    const repair = async () => {
      api = startApi();
      processes.push(api);
      await until("the API server", [api], ready);
    };
    return { kubeconfigPath, breakDown: () => stop(api), repair, stop: stopAll };
  } catch (error) {
    await Promise.all(processes.map(stop));
    throw error;
  }
}

function start(directory: string, names: string[], args: string[]): ChildProcess {
  const tool = findTool(...names);
  if (!tool)
    throw new Error(`no ${names[0]}: neither among the lab's tools in ${cacheDir()} nor on the PATH; npm start`);
  const log = openSync(join(directory, `${names[0]}.log`), "w");
  return spawn(tool, args, { stdio: ["ignore", log, log] });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    // Nothing of it is wanted afterwards.
    child.kill("SIGKILL");
  });
}

async function until(what: string, processes: ChildProcess[], done: () => boolean): Promise<void> {
  for (const end = Date.now() + START_SECONDS * 1000; !done(); await sleep(200)) {
    const dead = processes.find(({ exitCode }) => exitCode !== null);
    if (dead) throw new Error(`${dead.spawnfile} ended with ${dead.exitCode}; its log is beside the kubeconfig`);
    if (Date.now() > end) throw new Error(`${what} did not come within ${START_SECONDS} s`);
  }
}

function answers(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore", timeout: 5000 });
    return true;
  } catch {
    return false;
  }
}

function kubeconfigFor(server: string, certificate: Buffer): string {
  return `apiVersion: v1
kind: Config
current-context: engine-test
clusters:
  - name: engine-test
    cluster: { server: "${server}", certificate-authority-data: ${certificate.toString("base64")} }
users:
  - name: admin
    user: { token: ${TOKEN} }
contexts:
  - name: engine-test
    context: { cluster: engine-test, user: admin }
`;
}

/** Ports that are free now; taken together, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
