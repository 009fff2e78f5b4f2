/** Answers the engine's questions about Node programs, and runs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { version } from "@pulumi/pulumi/package.json";
import * as rpc from "@pulumi/pulumi/proto/language_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ending, interrupt, startProgram } from "./program";

interface PackageJson {
  version?: string;
  dependencies?: Record<string, string>;
}

/** The language host: at most a few programs at a time, all ended with it. */
export class LanguageHost {
  private readonly children = new Set<ChildProcess>();
  private cancelled = false;

  constructor(private engineAddress: string) {}

  /** The methods of the protocol that are served, by name. */
  methods() {
    return {
      handshake: (request: rpc.LanguageHandshakeRequest) => this.handshake(request),
      getPluginInfo: () => this.pluginInfo(),
      // Plugins are loaded when the first resource asks for them, by the version of its npm package.
      getRequiredPackages: () => new rpc.GetRequiredPackagesResponse(),
      getRequiredPlugins: () => new rpc.GetRequiredPluginsResponse(),
      run: (request: rpc.RunRequest) => this.run(request),
      about: () => this.about(),
      getProgramDependencies: (request: rpc.GetProgramDependenciesRequest) => this.dependencies(request),
      runtimeOptionsPrompts: () => new rpc.RuntimeOptionsResponse(),
      cancel: () => this.cancel(),
    };
  }

  /** Ends all programs, then calls back. */
  stop(done: () => void = () => undefined): void {
    this.cancelled = true;
    const ended = [...this.children].map((child) => new Promise((resolve) => child.once("close", resolve)));
    this.children.forEach(interrupt);
    void Promise.all(ended).then(done);
  }

  /** `pulumi install`: npm, with its output passed on. */
  installDependencies(
    call: ServerWritableStream<rpc.InstallDependenciesRequest, rpc.InstallDependenciesResponse>,
  ): void {
    const npm = spawn("npm", ["ci"], { cwd: call.request.getDirectory(), stdio: ["ignore", "pipe", "pipe"] });
    const send = (set: "setStdout" | "setStderr") => (chunk: Buffer) => call.write(installOutput(set, chunk));
    npm.stdout.on("data", send("setStdout"));
    npm.stderr.on("data", send("setStderr"));
    npm.once("error", (error) => call.destroy(error));
    npm.once("close", (code) => (code === 0 ? call.end() : call.destroy(new Error(`npm ci ended with ${code}`))));
  }

  private handshake(request: rpc.LanguageHandshakeRequest): rpc.LanguageHandshakeResponse {
    this.engineAddress = request.getEngineAddress() || this.engineAddress;
    return new rpc.LanguageHandshakeResponse();
  }

  private pluginInfo(): PluginInfo {
    const info = new PluginInfo();
    info.setVersion(version);
    return info;
  }

  private async run(request: rpc.RunRequest): Promise<rpc.RunResponse> {
    const response = new rpc.RunResponse();
    if (this.cancelled) return response.setError("cancelled");
    const child = startProgram(request, this.engineAddress);
    this.children.add(child);
    const { error, bail } = await ending(child);
    this.children.delete(child);
    response.setError(error);
    response.setBail(bail);
    return response;
  }

  private about(): rpc.AboutResponse {
    const response = new rpc.AboutResponse();
    response.setExecutable(process.execPath);
    response.setVersion(process.version);
    response.getMetadataMap().set("language host", `the lab's, for SDK ${version}`);
    return response;
  }

  private dependencies(request: rpc.GetProgramDependenciesRequest): rpc.GetProgramDependenciesResponse {
    const root = request.getInfo()?.getRootDirectory() || request.getPwd();
    const { dependencies = {} } = readPackage(root);
    const response = new rpc.GetProgramDependenciesResponse();
    for (const [name, wanted] of Object.entries(dependencies)) {
      const dependency = new rpc.DependencyInfo();
      dependency.setName(name);
      dependency.setVersion(readPackage(join(root, "node_modules", name)).version ?? wanted);
      response.addDependencies(dependency);
    }
    return response;
  }

  private cancel(): Empty {
    this.stop();
    return new Empty();
  }
}

function installOutput(set: "setStdout" | "setStderr", chunk: Buffer): rpc.InstallDependenciesResponse {
  const response = new rpc.InstallDependenciesResponse();
  response[set](new Uint8Array(chunk));
  return response;
}

/** The folder's package.json; an empty one where there is none. */
function readPackage(folder: string): PackageJson {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageJson;
  } catch {
    return {};
  }
}
