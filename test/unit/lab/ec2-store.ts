import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { Cloud } from "../../../lab/ec2/cloud";
import { noHardware, type Hardware } from "../../../lab/ec2/hardware";
import { withLock } from "../../../lab/ec2/lock";
import { hierarchies } from "../../../lab/ec2/linux/cgroup";
import { createSubnet } from "../../../lab/ec2/model/subnet";
import { createVpc } from "../../../lab/ec2/model/vpc";
import { readState, stateFile } from "../../../lab/ec2/store";
import { image } from "../lab-ec2-account";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daybreak-ec2-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function makeCloud(hardware: Partial<Hardware> = {}): Cloud {
  const lab = { name: "unit", dir: folder, cacheDir: folder, machineImages: { base: image, baked: image } };
  return new Cloud(lab, { ...noHardware, ...hardware });
}

async function makeSubnet(cloud: Cloud): Promise<string> {
  const subnet = await cloud.change((state) => {
    const vpc = createVpc(state, { cidr: "10.0.0.0/16" });
    return createSubnet(state, { vpcId: vpc.id, cidr: "10.0.1.0/24", region: "ap-northeast-2" });
  });
  return subnet.id;
}

test("changes from many sides happen one after the other, and only root can read them", async () => {
  const clouds = [makeCloud(), makeCloud()];
  const subnetId = await makeSubnet(makeCloud());
  const request = { imageId: image, type: "t3.medium", subnetId };
  const launches = clouds.flatMap((cloud) => Array.from({ length: 4 }, () => cloud.launch(request)));
  await Promise.all(launches);
  const addresses = Object.values(readState(folder).instances).map(({ privateIp }) => privateIp);
  expect(new Set(addresses).size).toBe(8);
  expect(statSync(stateFile(folder)).mode & 0o777).toBe(0o600);
});

test("a refused change leaves the state as it was", async () => {
  const cloud = makeCloud();
  await expect(cloud.change((state) => createVpc(state, { cidr: "10.0.0.0/8" }))).rejects.toThrow("is invalid");
  expect(readState(folder).vpcs).toEqual({});
});

test("a machine that doesn't boot leaves nothing", async () => {
  const destroyed: string[] = [];
  const cloud = makeCloud({
    startMachine: () => Promise.reject(new Error("no disk")),
    destroyMachine: async (id) => void destroyed.push(id),
  });
  const subnetId = await makeSubnet(cloud);
  await expect(cloud.launch({ imageId: image, type: "t3.medium", subnetId })).rejects.toThrow("no disk");
  expect(readState(folder).instances).toEqual({});
  expect(destroyed).toHaveLength(1);
});

test("a lock holds against other processes and ends with its owner", async () => {
  const file = join(folder, "lock");
  const tryElsewhere = () => promisify(execFile)("flock", ["--nonblock", file, "true"]);
  await withLock(file, () => expect(tryElsewhere()).rejects.toThrow());
  await tryElsewhere();
});

test("control group hierarchies of both versions are found in the mount table", () => {
  const hybrid = [
    "30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755",
    "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw",
    "33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
    "34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
  ];
  expect(hierarchies(hybrid.join("\n"))).toEqual([
    { mount: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
    { mount: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] },
    { mount: "/sys/fs/cgroup/systemd", version: 1, controllers: ["xattr", "name=systemd"] },
  ]);
  const pure = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate";
  expect(hierarchies(pure)).toEqual([{ mount: "/sys/fs/cgroup", version: 2, controllers: [] }]);
});
