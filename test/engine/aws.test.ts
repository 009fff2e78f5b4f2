/** The lab's aws plugin under the real engine, with EC2's model and no machines. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openCloud, type Cloud } from "../../lab/ec2/cloud";
import { createSubnet, deleteSubnet } from "../../lab/ec2/model/subnet";
import { removeRule } from "../../lab/ec2/model/security-group-rule";
import { Project, summary } from "./pulumi";

jest.setTimeout(300_000);

const image = "ami-0123456789abcdef0";
/** The stack, and what the program makes. */
const all = 17;

let labDir: string;
let cloud: Cloud;
let project: Project;

beforeAll(async () => {
  labDir = mkdtempSync(join(tmpdir(), "daybreak-aws-lab-"));
  mkdirSync(join(labDir, "cache"));
  const lab = { name: "engine", cacheDir: join(labDir, "cache"), machineImages: { base: image, baked: image } };
  writeFileSync(join(labDir, "lab.json"), JSON.stringify(lab));
  Object.assign(process.env, { DAYBREAK_LAB_DIR: labDir, DAYBREAK_LAB_HARDWARE: "none" });
  cloud = openCloud(labDir);
  project = await Project.create("aws");
});

afterAll(() => {
  project?.remove();
  rmSync(labDir, { recursive: true, force: true });
});

async function up(settings: Record<string, string> = {}) {
  const flags = Object.entries(settings).flatMap(([key, value]) => ["--config", `${key}=${value}`]);
  const { code, text } = await project.up(...flags);
  if (flags.length > 0) await project.expect("config", "rm-all", ...Object.keys(settings));
  return { code, text, counts: summary(text) };
}

test("a preview makes nothing and knows what the program says", async () => {
  const { code, text } = await project.pulumi("preview");
  expect(text).toMatch(/zone *: "ap-northeast-2b"/);
  expect(text).toMatch(/vpcId *: \[unknown\]/);
  expect({ code, ...summary(text) }).toEqual({ code: 0, "to create": all });
  expect(cloud.read().vpcs).toEqual({});
});

test("what EC2 and the lab don't take is refused before anything is made", async () => {
  const bad = await up({ vpcCidr: "10.0.1.0/16", unsupported: "true" });
  expect(bad.code).not.toBe(0);
  expect(bad.text).toContain('"10.0.1.0/16" is not a valid IPv4 CIDR block; did you mean "10.0.0.0/16"?');
  expect(cloud.read().vpcs).toEqual({});
  const outside = await up({ vpcCidr: "10.0.0.0/8" });
  expect(outside.text).toContain(
    "creating EC2 VPC: operation error EC2: CreateVpc, api error InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid.",
  );
});

test("an update makes everything, with the properties of AWS's own", async () => {
  const { code, text } = await up();
  expect({ code, text }).toMatchObject({ code: 0 });
  const outputs = (await project.outputs()) as unknown as Record<string, unknown>;
  expect(outputs).toMatchObject({
    vpcId: expect.stringMatching(/^vpc-[0-9a-f]{17}$/) as string,
    zone: "ap-northeast-2b",
    imageId: image,
    tags: { Name: "vpc", Project: "daybreak", Round: "1" },
    elasticIp: expect.stringMatching(/^203\.0\.113\.\d+$/) as string,
    privateDns: "ip-10-0-1-10.ap-northeast-2.compute.internal",
    publicDns: expect.stringMatching(/^ec2-203-0-113-\d+\.ap-northeast-2\.compute\.amazonaws\.com$/) as string,
    disk: { volumeSize: 20, encrypted: true, deviceName: "/dev/sda1", iops: 3000 },
    routeId: expect.stringMatching(/^r-rtb-[0-9a-f]{17}1080289494$/) as string,
  });
  const { text: state, resources } = await project.state();
  expect(state).not.toContain("hostname: first");
  expect(resources["group"]?.outputs).toMatchObject({ name: expect.stringMatching(/^group-[0-9a-f]{7}$/) as string });
  const rules = Object.values(cloud.read().rules).filter(({ groupId }) => groupId === outputs.groupId);
  expect(rules.map(({ direction, protocol }) => `${direction} ${protocol}`).sort()).toEqual([
    "egress -1",
    "ingress -1",
    "ingress tcp",
  ]);
});

test("a second update changes nothing", async () => {
  const { code, counts } = await up();
  expect({ code, ...counts }).toEqual({ code: 0, unchanged: all });
});

test("a refresh takes an Elastic IP for a public address of the machine's own, as upstream's provider does", async () => {
  const refreshed = async (): Promise<void> => {
    expect((await project.pulumi("refresh", "--yes", "--skip-preview")).code).toBe(0);
  };
  await refreshed();
  expect((await up()).counts).toEqual({ unchanged: all });
  const elsewhere = { firstAddress: "10.0.1.20" };
  const none = { ...elsewhere, publicAddress: "false" };
  expect((await up(none)).counts).toMatchObject({ replaced: 2 });
  expect((await up(none)).counts).toEqual({ unchanged: all });
  await refreshed();
  // The new machine would take the old one's place, whose private address it has.
  expect((await up(none)).text).toContain("InvalidIPAddress.InUse: Address 10.0.1.20 is in use.");
  expect((await up(elsewhere)).counts).toEqual({ unchanged: all });
  expect((await up()).counts).toMatchObject({ replaced: 2 });
});

test("groups' rules, tags and types change in place, addresses need a new machine", async () => {
  const rules = await up({ sshTo: "23" });
  expect(rules.counts).toEqual({ updated: 1, unchanged: all - 1 });
  const type = await up({ type: "t3.large" });
  // The rule goes back to what it was.
  expect(type.counts).toEqual({ updated: 2, unchanged: all - 2 });
  const retagged = await up({ type: "t3.large", round: "2" });
  expect(retagged.counts).toMatchObject({ updated: expect.any(Number) as number });
  expect(retagged.counts).not.toHaveProperty("replaced");
  expect(Object.values(cloud.read().vpcs)[0]?.tags).toEqual({ Name: "vpc", Project: "daybreak", Round: "2" });
  const before = (await project.outputs())["firstId"];
  const moved = await up({ type: "t3.large", round: "2", firstAddress: "10.0.1.20" });
  expect(moved.counts).toMatchObject({ replaced: 2 });
  expect((await project.outputs())["firstId"]).not.toBe(before);
});

test("an address in use, and a rule that is there, are refused with EC2's codes", async () => {
  const taken = await up({ firstAddress: "10.0.1.11" });
  expect(taken.code).not.toBe(0);
  expect(taken.text).toContain("RunInstances, api error InvalidIPAddress.InUse: Address 10.0.1.11 is in use.");
  const double = await up({ firstAddress: "10.0.1.20", doubleRule: "true" });
  expect(double.text).toContain("InvalidPermission.Duplicate");
  expect((await up({ firstAddress: "10.0.1.20" })).code).toBe(0);
});

test("an Elastic IP moves", async () => {
  const settings = { firstAddress: "10.0.1.20", onSecond: "true" };
  const moved = await up(settings);
  expect({ code: moved.code, ...moved.counts }).toMatchObject({ code: 0, replaced: 1 });
  const [address] = Object.values(cloud.read().elasticIps);
  expect(cloud.read().instances[address?.instanceId ?? ""]?.privateIp).toBe("10.0.1.11");
});

test("a refresh sees what was changed behind Pulumi's back, and an update mends it", async () => {
  const self = Object.values(cloud.read().rules).find(
    ({ groupId, referencedGroupId }) =>
      groupId === referencedGroupId && cloud.read().groups[groupId]?.name !== "default",
  );
  await cloud.change((state) => {
    removeRule(state, self?.id ?? "");
  });
  const refresh = await project.pulumi("refresh", "--yes", "--skip-preview");
  expect(refresh.code).toBe(0);
  expect(summary(refresh.text)).toMatchObject({ deleted: 1 });
  const settings = { firstAddress: "10.0.1.20", onSecond: "true" };
  expect((await up(settings)).counts).toEqual({ created: 1, unchanged: all - 1 });
});

test("a VPC that something else lives in stays until that is gone", async () => {
  const [vpc] = Object.values(cloud.read().vpcs);
  const foreign = await cloud.change((state) =>
    createSubnet(state, { vpcId: vpc?.id ?? "", cidr: "10.0.9.0/24", region: "ap-northeast-2" }),
  );
  const destroying = project.start("destroy", "--yes", "--skip-preview");
  // The plugin waits for what depends on the VPC; it goes meanwhile.
  const end = Date.now() + 30_000;
  while (Object.keys(cloud.read().groups).length > 1 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await cloud.change((state) => deleteSubnet(state, foreign.id));
  const { code, text } = await destroying.result;
  expect({ code, ...summary(text) }).toEqual({ code: 0, deleted: all });
  expect(cloud.read()).toMatchObject({ vpcs: {}, instances: {}, groups: {}, rules: {}, elasticIps: {}, keyPairs: {} });
});
