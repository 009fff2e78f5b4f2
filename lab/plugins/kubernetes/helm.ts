/** Runs the `helm` program in surroundings of its own: nothing of the user's Helm settings, no secret on a command line. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { writeKubeconfig } from "./kubeconfig";

/** Seconds that a cancelled helm gets to note in the cluster that its release has failed. */
const GRACE_SECONDS = 20;
/** Of helm's complaint this much is kept, characters. */
const MOST_CHARACTERS = 2000;

/** Helm ended with an error; the message is its own. */
export class HelmError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "HelmError";
  }
}

/** One operation's helm: its private files live as long as `work` runs. */
export async function withHelm<T>(kubeconfig: KubeConfig | undefined, work: (helm: Helm) => Promise<T>): Promise<T> {
  const files = writeKubeconfig(kubeconfig);
  try {
    return await work(new Helm(files.directory, files.path));
  } finally {
    files.remove();
  }
}

/** Helm with a kubeconfig and a directory that only this user can read. */
export class Helm {
  /** File that lists repositories; by default there is none. */
  repositories: string | undefined;
  private files = 0;

  constructor(
    /** Private directory of the operation. */
    readonly directory: string,
    private readonly kubeconfig: string,
  ) {}

  /** Writes a private file and gives its path: for values, certificates, repository passwords. */
  file(content: string | Buffer, suffix = ""): string {
    const path = join(this.directory, `file-${++this.files}${suffix}`);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** Runs helm and gives what it prints; throws HelmError with its complaint, or the signal's reason. */
  async run(
    args: readonly string[],
    options: { signal?: AbortSignal | undefined; input?: string } = {},
  ): Promise<string> {
    options.signal?.throwIfAborted();
    const child = spawn("helm", args, { env: this.environment(), stdio: ["pipe", "pipe", "pipe"] });
    const [output, complaint]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => complaint.push(chunk));
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    const stop = () => {
      // SIGTERM lets helm record the failure, which spares the next run the clean-up.
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), GRACE_SECONDS * 1000).unref();
    };
    options.signal?.addEventListener("abort", stop, { once: true });
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once("error", (error: NodeJS.ErrnoException) =>
          reject(new HelmError(error.code === "ENOENT" ? "the helm program is not on the PATH" : error.message)),
        );
        child.once("close", resolve);
      });
      if (code === 0) return Buffer.concat(output).toString("utf8");
      throw new HelmError(complaintOf(Buffer.concat(complaint).toString("utf8"), code));
    } finally {
      options.signal?.removeEventListener("abort", stop);
    }
  }

  private environment(): NodeJS.ProcessEnv {
    const ambient = Object.entries(process.env).filter(([key]) => !/^(HELM_|KUBE|XDG_)/.test(key));
    return {
      ...Object.fromEntries(ambient),
      HOME: this.directory,
      KUBECONFIG: this.kubeconfig,
      HELM_CACHE_HOME: join(this.directory, "cache"),
      HELM_CONFIG_HOME: this.directory,
      HELM_DATA_HOME: join(this.directory, "data"),
      HELM_REGISTRY_CONFIG: join(this.directory, "registry.json"),
      HELM_REPOSITORY_CONFIG: this.repositories ?? join(this.directory, "repositories.yaml"),
      HELM_NO_PLUGINS: "1",
    };
  }
}

/** The lines of helm's complaint from its first `Error:` on, without the warnings before. */
function complaintOf(text: string, code: number | null): string {
  const lines = text
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^WARNING: .*(group|world)-readable/.test(line));
  const first = lines.findIndex((line) => line.startsWith("Error: "));
  const message = (first < 0 ? lines : lines.slice(first)).join("\n").replace(/^Error: /, "");
  return (message || `helm ended with code ${code}`).slice(0, MOST_CHARACTERS);
}
