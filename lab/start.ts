import { existsSync } from "node:fs";

import { runningBackground } from "./background";
import { runInLab } from "./command";
import { ensureInternet, internetExists } from "./ec2/internet";
import { deadInstances } from "./ec2/instances";
import { writeKubeconfigs } from "./kubeconfig";
import { describeLab, labEnvironment, LAB_STACKS, readLab, writeLab, type Lab, type MachineImageKind } from "./lab";
import { publishPorts, PUBLISHED_PORTS } from "./loopback";
import { MIRROR_PROCESSES, startMirror } from "./mirror";
import { installPlugins } from "./plugins/build";
import { BUILD, type Built, type Wanted } from "./build-phase";
import { EXTRAS, extrasTurnedOn, type ExtraName } from "./extras";
import { makeLabsFolder, refuseUnfitMachine } from "./prerequisites";
import { runPhases, type Phase, type PhaseTime } from "./phases";
import { configure, outputs, up, wasKilled, type Update } from "./pulumi";
import { labNames, stopLab } from "./stop";
import { standIns } from "./stand-ins";
import type { Summary } from "./summary";
import { describeSupply } from "./upstream/summary";

/** How far `npm start` goes. */
export interface StartOptions {
  name: string;
  /** Only the room: mirror, network, plugins and CLI, so that somebody else can type `pulumi up`. */
  empty: boolean;
  /** What the lab's machines boot from. */
  image: MachineImageKind;
  /** Those to be built and, unless it shall be empty, turned on in the configuration of the workloads. */
  extras: readonly ExtraName[];
}

type Room = Pick<StartOptions, "name" | "image">;

interface Context extends Built, Wanted {
  lab: Lab;
  infra: Record<string, unknown>;
  workloads: Record<string, unknown>;
}

/**
 * Builds what the cache lacks, raises the lab and, unless it shall be empty, both stacks, checks them and publishes
 * their ports.
 *
 * On a living lab it changes nothing; one that was killed half-way is removed and made again.
 *
 * @throws with the whole list, if the machine lacks something; then nothing was made.
 */
export async function startLab({ name, empty, image, extras }: StartOptions): Promise<Summary | PhaseTime[]> {
  const loopback = chooseLoopback(name);
  const living = readLab(name) !== undefined && alive(name);
  // Of a lab that was killed half-way, the ports may still be held by what is left of it.
  const remains = !living && labNames().includes(name);
  const ports = PUBLISHED_PORTS.map(({ port }) => `${loopback}:${port}`);
  await refuseUnfitMachine(living || remains ? [] : ports);
  const context = { extras } as Context;
  const phases = [
    ...(remains ? [removal(name, ports)] : []),
    ...roomPhases({ name, image }, loopback),
    ...(empty ? [] : platformPhases()),
  ];
  const times = await runPhases(phases, context);
  return empty ? times : summaryOf(context, times);
}

function removal(name: string, ports: string[]): Phase<Context> {
  return {
    title: `Remove what is left of the lab "${name}"`,
    run: async () => {
      await stopLab(name);
      await refuseUnfitMachine(ports);
    },
  };
}

function roomPhases(options: Room, loopback: string): Phase<Context>[] {
  return [BUILD, { title: "Lab", run: (context) => raise(context, options, loopback) }];
}

function platformPhases(): Phase<Context>[] {
  return [
    { title: "Infrastructure and kubeadm", run: infrastructure },
    { title: "Workloads", run: workloads },
    { title: "Check", run: check },
  ];
}

async function raise(context: Context, { name, image }: Room, loopback: string): Promise<string> {
  const lab = describeLab(name, loopback, context.machineImages, image);
  context.lab = lab;
  makeLabsFolder();
  writeLab(lab);
  await ensureInternet(name);
  await Promise.all([
    startMirror(lab),
    installPlugins(labEnvironment(lab).PULUMI_HOME ?? "", (plugin) => context.supply.plugin(plugin)),
  ]);
  return `namespace ${lab.namespace}`;
}

async function infrastructure(context: Context, say: (line: string) => void): Promise<string> {
  const update = await up(context.lab, LAB_STACKS.infra, say);
  context.infra = await outputs(context.lab, LAB_STACKS.infra);
  writeKubeconfigs(context.lab, String(context.infra.kubeconfig));
  await publishPorts(context.lab, String(context.infra.masterPublicIp));
  return describeUpdate(update);
}

async function workloads(context: Context, say: (line: string) => void): Promise<string> {
  await turnOn(context.lab, context.extras);
  const update = await up(context.lab, LAB_STACKS.k8s, say);
  context.workloads = await outputs(context.lab, LAB_STACKS.k8s);
  return describeUpdate(update);
}

/** What is on already keeps its settings. */
async function turnOn(lab: Lab, extras: readonly ExtraName[]): Promise<void> {
  const on = extrasTurnedOn();
  for (const name of extras.filter((extra) => !on.includes(extra)))
    await configure(lab, LAB_STACKS.k8s, `daybreak:${name}`, EXTRAS[name]);
}

async function check({ lab }: Context, say: (line: string) => void): Promise<string> {
  const result = await runInLab(lab, "node_modules/.bin/tsx", ["check/main.ts", "--stack", LAB_STACKS.infra], say);
  if (result.failed)
    throw new Error(`The check found something:\n${result.all}\nRun it again with: npm run lab:shell -- npm run check`);
  return result.stdout.trim().split("\n").at(-1) ?? "";
}

/** Without changes it says so in Pulumi's own words. */
function describeUpdate({ changes }: Update): string {
  const { unchanged = 0, ...changed } = changes;
  const rows = Object.entries(changed).map(([verb, count]) => `${count} ${verb}`);
  return rows.length === 0 ? `0 changes, ${unchanged} unchanged` : rows.join(", ");
}

function summaryOf({ lab, supply, infra, workloads: deployed }: Context, times: PhaseTime[]): Summary {
  return {
    lab,
    nodes: (infra.nodeNames as string[]).map((node, index) => `${node}  ${nodeAddress(infra, index)}`),
    grafanaUser: String(deployed.grafanaUser),
    extras: extrasTurnedOn(),
    standIns: standIns(supply),
    upstream: describeSupply(supply),
    times,
  };
}

function nodeAddress(infra: Record<string, unknown>, index: number): string {
  const workers = infra.workerPrivateIps as string[];
  return index === 0
    ? `${String(infra.masterPrivateIp)} (public ${String(infra.masterPublicIp)})`
    : (workers[index - 1] ?? "");
}

/** A lab lives when its network, every background process and every running instance do, and no update was killed in it. */
function alive(name: string): boolean {
  const lab = readLab(name);
  if (lab === undefined || !existsSync(lab.dir) || !internetExists(name)) return false;
  const running = runningBackground(lab);
  const serving = MIRROR_PROCESSES.every((process_) => running.includes(process_));
  return serving && deadInstances(lab.dir).length === 0 && !wasKilled(lab);
}

/** The first lab gets 127.0.0.1, each further one an address of its own, so that their ports never collide. */
function chooseLoopback(name: string): string {
  const known = readLab(name);
  if (known !== undefined) return known.loopback;
  const taken = new Set(labNames().map((other) => readLab(other)?.loopback));
  const free = Array.from({ length: 200 }, (_, index) => `127.0.0.${index + 1}`).find((address) => !taken.has(address));
  if (free === undefined)
    throw new Error("All loopback addresses from 127.0.0.1 to 127.0.0.200 belong to labs: npm stop -- --all");
  return free;
}
