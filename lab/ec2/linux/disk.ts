import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { dirname, join } from "node:path";

import { run } from "./command";

export interface FileOptions {
  /** Default 0644. */
  mode?: number;
  /** Name or number; default root. */
  owner?: string;
  /** Name or number; default the owner's own group. */
  group?: string;
  /** Add to the end of what is there. */
  append?: boolean;
}

/**
 * A machine's disk before it boots: a shared image below, the machine's own layer above it.
 *
 * Paths are the machine's. Symbolic links in them are followed inside the disk, never into this machine's own files.
 */
export class Disk {
  /** @param image the shared layer, never written. @param upper the machine's own layer, an overlay's `upperdir`. */
  constructor(
    private readonly image: string,
    private readonly upper: string,
  ) {
    mkdirSync(upper, { recursive: true, mode: 0o755 });
  }

  /** Writes a file, with the folders that it needs. */
  write(path: string, content: string | Buffer, options: FileOptions = {}): void {
    const target = this.resolve(path);
    const before = options.append === true ? (this.read(target) ?? Buffer.alloc(0)) : Buffer.alloc(0);
    const file = join(this.upper, target);
    this.makeFolder(dirname(target));
    rmSync(file, { force: true, recursive: true });
    writeFileSync(file, Buffer.concat([before, Buffer.from(content)]));
    chmodSync(file, options.mode ?? 0o644);
    this.own(file, options);
  }

  /** Makes a folder with everything above it. Folders that exist keep their owner and mode. */
  makeFolder(path: string, options?: FileOptions): void {
    const target = this.resolve(path);
    if (target !== "/") this.makeFolder(dirname(target));
    const file = join(this.upper, target);
    const below = this.stat(target);
    if (this.statIn(this.upper, target) === undefined) {
      mkdirSync(file);
      if (below !== undefined) {
        chmodSync(file, below.mode & 0o7777);
        chownSync(file, below.uid, below.gid);
      }
    }
    if (options === undefined || below !== undefined) return;
    chmodSync(file, options.mode ?? 0o755);
    this.own(file, options);
  }

  /** Makes a symbolic link, in place of whatever was there. */
  link(path: string, target: string): void {
    const place = join(this.resolve(dirname(path)), path.split("/").at(-1) ?? "");
    this.makeFolder(dirname(place));
    rmSync(join(this.upper, place), { force: true, recursive: true });
    symlinkSync(target, join(this.upper, place));
  }

  /** Makes a file of the image vanish for this machine: an overlay's whiteout is a character device 0:0. */
  async hide(path: string): Promise<void> {
    const target = this.resolve(path);
    if (this.stat(target) === undefined) return;
    this.makeFolder(dirname(target));
    rmSync(join(this.upper, target), { force: true, recursive: true });
    await run("mknod", [join(this.upper, target), "c", "0", "0"]);
  }

  /** What a file holds; undefined if there is none. */
  read(path: string): Buffer | undefined {
    const target = this.resolve(path);
    for (const layer of [this.upper, this.image]) {
      const stat = this.statIn(layer, target);
      if (stat?.isFile() === true) return readFileSync(join(layer, target));
    }
    return undefined;
  }

  /** Names in a folder of the image and of the machine's own layer. */
  list(path: string): string[] {
    const target = this.resolve(path);
    const names = [this.upper, this.image].flatMap((layer) =>
      this.statIn(layer, target)?.isDirectory() === true ? readdirSync(join(layer, target)) : [],
    );
    return [...new Set(names)];
  }

  /** The path with every symbolic link followed, as the machine would. */
  private resolve(path: string): string {
    let done = "/";
    const todo = path.split("/").filter((part) => part !== "" && part !== ".");
    for (let steps = 0; todo.length > 0; steps += 1) {
      if (steps > 255) throw new Error(`${path}: too many levels of symbolic links on the machine's disk`);
      const part = todo.shift() ?? "";
      const next = part === ".." ? dirname(done) : join(done, part);
      const link = part === ".." ? undefined : this.linkTarget(next);
      if (link === undefined) done = next;
      else {
        todo.unshift(...link.split("/").filter((piece) => piece !== "" && piece !== "."));
        if (link.startsWith("/")) done = "/";
      }
    }
    return done;
  }

  private linkTarget(path: string): string | undefined {
    const layer = [this.upper, this.image].find((candidate) => this.statIn(candidate, path) !== undefined);
    if (layer === undefined || this.statIn(layer, path)?.isSymbolicLink() !== true) return undefined;
    return readlinkSync(join(layer, path));
  }

  private stat(path: string): Stats | undefined {
    return this.statIn(this.upper, path) ?? this.statIn(this.image, path);
  }

  private statIn(layer: string, path: string): Stats | undefined {
    return lstatSync(join(layer, path), { throwIfNoEntry: false });
  }

  private own(file: string, { owner = "root", group }: FileOptions): void {
    const user = this.user(owner);
    chownSync(file, user.uid, group === undefined ? user.gid : this.groupId(group));
  }

  /** A user of the machine, by name or number. */
  user(name: string): { uid: number; gid: number; home: string } {
    const entry = this.entry("/etc/passwd", name, 2);
    if (entry === undefined && /^\d+$/.test(name)) return { uid: Number(name), gid: Number(name), home: "/" };
    if (entry === undefined) throw new Error(`the machine image has no user ${name}`);
    return { uid: Number(entry[2]), gid: Number(entry[3]), home: entry[5] ?? "/" };
  }

  private groupId(name: string): number {
    const entry = this.entry("/etc/group", name, 2);
    if (entry === undefined && /^\d+$/.test(name)) return Number(name);
    if (entry === undefined) throw new Error(`the machine image has no group ${name}`);
    return Number(entry[2]);
  }

  private entry(file: string, name: string, idField: number): string[] | undefined {
    const lines = (this.read(file) ?? Buffer.alloc(0))
      .toString()
      .split("\n")
      .map((line) => line.split(":"));
    return lines.find((fields) => fields[0] === name) ?? lines.find((fields) => fields[idField] === name);
  }
}
