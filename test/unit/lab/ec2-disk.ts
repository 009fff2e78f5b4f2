import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseUserData } from "../../../lab/ec2/linux/cloud-config";
import { Disk } from "../../../lab/ec2/linux/disk";

describe("user data", () => {
  test("is read as cloud-init would", () => {
    const config = parseUserData(`#cloud-config
hostname: node-1
ssh_authorized_keys: [ssh-ed25519 AAAA]
ssh_keys: {ed25519_private: PRIVATE, ed25519_public: PUBLIC}
write_files:
  - {path: /etc/a, content: aGk=, encoding: b64, permissions: "0600", owner: "root:adm", append: true}
`);
    expect(config).toMatchObject({
      hostname: "node-1",
      authorizedKeys: ["ssh-ed25519 AAAA"],
      hostKeys: { ssh_host_ed25519_key: "PRIVATE\n", "ssh_host_ed25519_key.pub": "PUBLIC\n" },
      files: [{ path: "/etc/a", content: Buffer.from("hi"), mode: 0o600, owner: "root", group: "adm", append: true }],
    });
    expect(parseUserData(undefined)).toEqual({ authorizedKeys: [], hostKeys: {}, files: [] });
  });

  test("that the lab can't play is refused by name", () => {
    expect(() => parseUserData("#!/bin/sh\n")).toThrow("#cloud-config");
    expect(() => parseUserData("#cloud-config\nruncmd: [reboot]\nfoo: 1\n")).toThrow(/"runcmd", "foo".*write_files/s);
    expect(() => parseUserData("#cloud-config\nwrite_files: [{path: relative}]\n")).toThrow("write_files.0.path");
  });

  test("is never quoted in an error: it can hold private keys", () => {
    const broken = "#cloud-config\nssh_keys:\n  ed25519_private: |\n SECRET\n  x: [\n";
    expect(() => parseUserData(broken)).toThrow(/^((?!SECRET).)*$/s);
  });
});

describe("a machine's disk", () => {
  let folder: string;
  let disk: Disk;
  const upper = (path: string) => join(folder, "upper", path);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "daybreak-disk-"));
    const image = join(folder, "image");
    mkdirSync(join(image, "etc"), { recursive: true });
    mkdirSync(join(image, "run"), { mode: 0o711 });
    mkdirSync(join(image, "var"));
    symlinkSync("/run", join(image, "var/run"));
    symlinkSync("../../../../../escape", join(image, "etc/out"));
    const uid = process.getuid?.() ?? 0;
    writeFileSync(join(image, "etc/passwd"), `root:x:${uid}:${uid}::/root:/bin/sh\n`);
    writeFileSync(join(image, "etc/motd"), "hello\n");
    disk = new Disk(image, join(folder, "upper"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test("follows links inside the disk and never leaves it", () => {
    disk.write("/var/run/pid", "1");
    expect(readFileSync(upper("run/pid"), "utf8")).toBe("1");
    expect(statSync(upper("run")).mode & 0o777).toBe(0o711);
    disk.write("/etc/out/file", "x");
    expect(readFileSync(upper("escape/file"), "utf8")).toBe("x");
  });

  test("appends to what the image has and leaves the image alone", () => {
    disk.write("/etc/motd", "world\n", { append: true, mode: 0o600 });
    expect(readFileSync(upper("etc/motd"), "utf8")).toBe("hello\nworld\n");
    expect(statSync(upper("etc/motd")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "image/etc/motd"), "utf8")).toBe("hello\n");
    expect(() => disk.write("/etc/x", "", { owner: "nobody-here" })).toThrow("no user nobody-here");
  });
});
