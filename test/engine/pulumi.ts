/** A Pulumi project in a folder of its own, driven through the real CLI as its users drive it. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { inCache } from "../../lab/cache";
import { installPlugins } from "../../lab/plugins/build";

/** Where the projects are; also the folder whose node_modules they use. */
const CHECKOUT = join(__dirname, "..", "..");

const PULUMI_YAML = `name: engine
main: stacks/
runtime:
  name: nodejs
  options:
    typescript: false
    nodeargs: --import=tsx
`;

/** How a command ended. */
export interface Result {
  /** Exit code; -1 = ended by a signal. */
  code: number;
  /** Both outputs, in the order of arrival. */
  text: string;
  stdout: string;
}

/** A command that runs. */
export interface Running {
  process: ChildProcess;
  /** What it has printed so far. */
  text(): string;
  result: Promise<Result>;
}

/** A resource in a stack's state. */
export interface StoredResource {
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** One project with one stack, `test`. */
export class Project {
  private readonly home: string;
  private readonly checkout: string;

  private constructor(readonly directory: string) {
    this.home = join(directory, "pulumi-home");
    this.checkout = join(directory, "project");
  }

  /** Makes a project of the programs in `fixtures/<fixture>`, with the lab's plugins and an empty stack. */
  static async create(fixture: string): Promise<Project> {
    const project = new Project(mkdtempSync(join(tmpdir(), `daybreak-${fixture}-`)));
    mkdirSync(join(project.directory, "backend"));
    cpSync(join(__dirname, "fixtures", fixture), join(project.checkout, "stacks"), { recursive: true });
    symlinkSync(join(CHECKOUT, "node_modules"), join(project.checkout, "node_modules"));
    writeFileSync(join(project.checkout, "Pulumi.yaml"), PULUMI_YAML);
    writeFileSync(join(project.checkout, "package.json"), '{ "name": "engine", "private": true }');
    await installPlugins(project.home);
    await project.expect("stack", "init", "test");
    return project;
  }

  /** Runs `pulumi <args>` to its end. */
  pulumi(...args: string[]): Promise<Result> {
    return this.start(...args).result;
  }

  /** Like `pulumi`; throws its output if it fails. */
  async expect(...args: string[]): Promise<Result> {
    const result = await this.pulumi(...args);
    if (result.code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${result.code}:\n${result.text}`);
    return result;
  }

  /** Starts `pulumi <args>`, in a process group of its own as a shell does. */
  start(...args: string[]): Running {
    const child = spawn("pulumi", [...args, "--non-interactive", "--color=never"], {
      cwd: this.checkout,
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let [text, stdout] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    const result = new Promise<Result>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? -1, text, stdout }));
    });
    return { process: child, text: () => text, result };
  }

  up(...flags: string[]): Promise<Result> {
    return this.pulumi("up", "--yes", "--skip-preview", ...flags);
  }

  /** Sets a key of the configuration; a secret one is encrypted. */
  async configure(values: Record<string, string>, secret = false): Promise<void> {
    const pairs = Object.entries(values).flatMap(([key, value]) => [
      secret ? "--secret" : "--plaintext",
      `${key}=${value}`,
    ]);
    await this.expect("config", "set-all", ...pairs);
  }

  /** The stack's outputs, secrets in clear text. */
  async outputs(): Promise<Record<string, string>> {
    const { stdout } = await this.expect("stack", "output", "--json", "--show-secrets");
    return JSON.parse(stdout) as Record<string, string>;
  }

  /** The stored state as text, and its resources by name. */
  async state(): Promise<{ text: string; resources: Record<string, StoredResource> }> {
    const { stdout } = await this.expect("stack", "export");
    const { deployment } = JSON.parse(stdout) as { deployment: { resources?: (StoredResource & { urn: string })[] } };
    const named = (deployment.resources ?? []).map((resource) => [resource.urn.split("::").pop() ?? "", resource]);
    return { text: stdout, resources: Object.fromEntries(named) as Record<string, StoredResource> };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PATH: [inCache("bin"), process.env["PATH"]].join(delimiter),
      PULUMI_HOME: this.home,
      PULUMI_BACKEND_URL: `file://${join(this.directory, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "engine test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // A plugin that isn't there is an error, not a download.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
  }
}

/** Number of resources by what became of them, from a command's closing summary. */
export function summary(text: string): Record<string, number> {
  const lines = text.slice(text.lastIndexOf("\nResources:")).matchAll(/^ +[^\w\s]* ?(\d+) ([a-z ]+)$/gm);
  return Object.fromEntries([...lines].map(([, count, what]) => [what ?? "", Number(count)]));
}
