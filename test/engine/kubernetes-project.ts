/** A Pulumi project in a directory of its own, driven through the real CLI as its users drive it. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { transformFile } from "@swc/core";
import { inCache } from "../../lab/cache";
import { installPlugins } from "../../lab/plugins/build";
import type { Wanted } from "./kubernetes-program/wanted";

/** Longest command, seconds. */
const COMMAND_SECONDS = 60;

/** How a command ended. */
export interface Result {
  code: number;
  /** Both outputs together. */
  text: string;
}

/** A resource in the stored state. */
interface StoredResource {
  urn: string;
  outputs?: { status?: unknown; metadata?: { name: string } };
}

/** One stack of the test's program. */
export class Project {
  private readonly directory: string;
  private readonly environment: NodeJS.ProcessEnv;

  private constructor(directory: string, kubeconfigPath: string) {
    this.directory = join(directory, "program");
    this.environment = {
      ...process.env,
      PATH: [inCache("bin"), process.env.PATH].join(delimiter),
      PULUMI_HOME: join(directory, "pulumi-home"),
      PULUMI_BACKEND_URL: `file://${join(directory, "pulumi")}`,
      PULUMI_CONFIG_PASSPHRASE: "engine test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      DAYBREAK_TEST_RESOURCES: join(directory, "resources.json"),
      DAYBREAK_TEST_KUBECONFIG: kubeconfigPath,
    };
  }

  /** Copies the program, installs the lab's plugins, makes the stack `test`. */
  static async create(directory: string, kubeconfigPath: string): Promise<Project> {
    const project = new Project(directory, kubeconfigPath);
    mkdirSync(join(directory, "pulumi"));
    cpSync(join(__dirname, "kubernetes-program"), project.directory, { recursive: true });
    await transpile(project.directory);
    symlinkSync(join(__dirname, "..", "..", "node_modules"), join(project.directory, "node_modules"));
    writeFileSync(join(project.directory, "package.json"), "{}");
    await installPlugins(join(directory, "pulumi-home"));
    const made = await project.pulumi(["stack", "init", "test"]);
    if (made.code !== 0) throw new Error(made.text);
    return project;
  }

  /** What the next command's program makes. */
  want(...resources: Wanted[]): void {
    writeFileSync(this.environment.DAYBREAK_TEST_RESOURCES ?? "", JSON.stringify(resources));
  }

  up(...flags: string[]): Promise<Result> {
    return this.pulumi(["up", "--yes", ...(flags.length > 0 ? flags : ["--skip-preview"])]);
  }

  preview(...flags: string[]): Promise<Result> {
    return this.pulumi(["preview", ...flags]);
  }

  refresh(environment: NodeJS.ProcessEnv = {}): Promise<Result> {
    return this.pulumi(["refresh", "--yes", "--skip-preview"], environment);
  }

  destroy(environment: NodeJS.ProcessEnv = {}): Promise<Result> {
    return this.pulumi(["destroy", "--yes", "--skip-preview"], environment);
  }

  /** Outputs of a resource as the state has them; secrets are encrypted in it. */
  outputs(name: string): { status?: unknown; metadata?: { name: string } } {
    const state = JSON.parse(this.stored()) as { checkpoint: { latest: { resources: StoredResource[] } } };
    const found = state.checkpoint.latest.resources.find(({ urn }) => urn.endsWith(`::${name}`));
    return found?.outputs ?? {};
  }

  /** The whole stored state, as it lies on disk. */
  stored(): string {
    return readFileSync(this.stateFile, "utf8");
  }

  /** Puts back a state that `stored` gave. */
  restore(state: string): void {
    writeFileSync(this.stateFile, state);
  }

  private get stateFile(): string {
    return join(this.directory, "..", "pulumi", ".pulumi", "stacks", "kubernetes-engine-test", "test.json");
  }

  private pulumi(args: string[], environment: NodeJS.ProcessEnv = {}): Promise<Result> {
    const options = {
      cwd: this.directory,
      env: { ...this.environment, ...environment },
      timeout: COMMAND_SECONDS * 1000,
      maxBuffer: 64 * 1024 * 1024,
    };
    return new Promise((resolve) => {
      execFile("pulumi", [...args, "--non-interactive", "--color=never"], options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
        resolve({ code, text: stdout + stderr });
      });
    });
  }
}

/** Plain JavaScript of the program: loading TypeScript would cost each of the test's commands a second. */
async function transpile(directory: string): Promise<void> {
  const { code } = await transformFile(join(directory, "index.ts"), {
    jsc: { target: "es2022", parser: { syntax: "typescript" } },
    module: { type: "commonjs" },
  });
  writeFileSync(join(directory, "index.js"), code);
  rmSync(join(directory, "index.ts"));
}
