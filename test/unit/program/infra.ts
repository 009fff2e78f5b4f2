import { isSecret as isSecretOutput, type Output } from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { parseAllDocuments } from "yaml";

import {
  AUTHORITY_HASH,
  AUTHORITY_PUBLIC_KEY,
  configure,
  isSecret,
  mock,
  ofType,
  plain,
  registered,
  settled,
  valueOf,
} from "../infra-program";
import { viewerName } from "../../../infra/authority";
import { withoutStackTraces } from "../stack-traces";
import { firstTwoZones } from "../../../infra/network";
import { quote } from "../../../infra/remote-script";
import { infraStack } from "../../../stacks/infra";

type Outputs = Record<string, unknown>;

/** Runs the infra program with this configuration and waits for it to end. */
async function run(config: Record<string, unknown> = {}): Promise<Outputs> {
  await mock();
  configure(config);
  return withoutStackTraces(async () => {
    const outputs = infraStack() as Outputs;
    await valueOf(outputs["kubeconfig"] as string);
    await settled();
    return outputs;
  });
}

/** A variable of a script, as bash would read it. */
function variable(script: string, name: string): string {
  const found = new RegExp(`^${name}='((?:[^']|'\\\\'')*)'$`, "m").exec(script);
  return (found?.[1] ?? "").replaceAll(`'\\''`, "'");
}

const script = (name: string): string =>
  plain(ofType(":Command").find((command) => command.name === name)?.inputs["stdin"]) as string;

/** What the SDK asks the engine for. */
interface Request {
  getType(): string;
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
}

describe("the infra stack by default", () => {
  let outputs: Outputs;
  beforeAll(async () => {
    outputs = await run();
  });

  test("registers these resources and no others", () => {
    expect(registered.map(({ type, name }) => `${type} ${name}`).sort()).toMatchSnapshot();
  });

  test("lets every AWS resource use the one provider, with its tags", () => {
    const [provider] = ofType("pulumi:providers:aws");
    expect(provider?.inputs["region"]).toBe("ap-northeast-2");
    expect(provider?.inputs["defaultTags"]).toBeDefined();
    const aws = registered.filter(({ type }) => type.startsWith("aws:"));
    expect(aws.length).toBeGreaterThan(10);
    expect(aws.filter(({ provider: used }) => !used.includes("::aws::"))).toEqual([]);
  });

  test("puts two public subnets into the first two zones", () => {
    const subnets = ofType(":Subnet").map(({ inputs }) => [inputs["cidrBlock"], inputs["availabilityZone"]]);
    expect(subnets).toEqual([
      ["10.0.1.0/24", "ap-northeast-2a"],
      ["10.0.2.0/24", "ap-northeast-2b"],
    ]);
    expect(ofType(":Route")[0]?.inputs).toMatchObject({ destinationCidrBlock: "0.0.0.0/0" });
    expect(ofType(":RouteTableAssociation")).toHaveLength(2);
  });

  test("opens exactly these doors", () => {
    const rules = ofType("GroupIngressRule").map(({ inputs }) => [
      inputs["fromPort"] ?? "all",
      inputs["toPort"] ?? "all",
      inputs["ipProtocol"],
      inputs["cidrIpv4"] ?? inputs["referencedSecurityGroupId"],
    ]);
    expect(rules.sort()).toEqual([
      [22, 22, "tcp", "198.51.100.10/32"],
      [22, 22, "tcp", "203.0.113.128/25"],
      [30080, 30080, "tcp", "0.0.0.0/0"],
      [30300, 30300, "tcp", "0.0.0.0/0"],
      [6443, 6443, "tcp", "198.51.100.10/32"],
      [6443, 6443, "tcp", "203.0.113.128/25"],
      ["all", "all", "-1", "daybreak-dev-nodes-id"],
    ]);
    const self = ofType("GroupIngressRule").filter(({ inputs }) => inputs["referencedSecurityGroupId"]);
    expect(self[0]?.inputs["securityGroupId"]).toBe(self[0]?.inputs["referencedSecurityGroupId"]);
    expect(ofType("GroupEgressRule").map(({ inputs }) => [inputs["cidrIpv4"], inputs["ipProtocol"]])).toEqual([
      ["0.0.0.0/0", "-1"],
    ]);
  });

  test("makes machines with fixed addresses, IMDSv2 and an encrypted root volume", () => {
    const machines = ofType(":Instance");
    expect(machines.map(({ inputs }) => inputs["privateIp"])).toEqual(["10.0.1.10", "10.0.2.10", "10.0.2.11"]);
    for (const { inputs } of machines)
      expect(inputs).toMatchObject({
        ami: "ami-0123456789abcdef0",
        instanceType: "t3.medium",
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: { volumeType: "gp3", volumeSize: 20, encrypted: true, deleteOnTermination: true },
        creditSpecification: { cpuCredits: "unlimited" },
        vpcSecurityGroupIds: ["daybreak-dev-nodes-id"],
        keyName: "daybreak-dev",
      });
    expect(
      machines.every(({ inputs }) => !("instanceMarketOptions" in inputs) && !("iamInstanceProfile" in inputs)),
    ).toBe(true);
  });

  test("leaves public addresses to the subnets, so that no refresh replaces the machine with the Elastic IP", () => {
    expect(ofType(":Instance").filter(({ inputs }) => "associatePublicIpAddress" in inputs)).toEqual([]);
    const publicSubnets = ofType(":Subnet").filter(({ inputs }) => inputs["mapPublicIpOnLaunch"] === true);
    expect(publicSubnets.map(({ name }) => name)).toEqual(["daybreak-dev-workers"]);
  });

  test("tells each machine its SSH host key, in secret, and checks it at the first connection", () => {
    const worker = ofType(":Instance").find(({ name }) => name.endsWith("worker-2"));
    expect(isSecret(worker?.inputs["userData"])).toBe(true);
    expect(plain(worker?.inputs["userData"])).toBe(
      "#cloud-config\nhostname: worker-2\nssh_keys:\n  ed25519_private: |\n    OPENSSH PRIVATE KEY ssh-host-worker-2\n  ed25519_public: ssh-ed25519 ssh-host-worker-2\n",
    );
    const command = ofType(":Command").find(({ name }) => name === "cluster-worker-2");
    expect(plain(command?.inputs["connection"])).toMatchObject({
      user: "ubuntu",
      hostKey: "ssh-ed25519 ssh-host-worker-2",
      dialErrorLimit: -1,
      perDialTimeout: 5,
    });
  });

  test("runs one script a node and one that waits for all, each a secret", () => {
    const commands = ofType(":Command");
    expect(commands.map(({ name }) => name).sort()).toEqual([
      "cluster-control-plane",
      "cluster-ready",
      "cluster-worker-1",
      "cluster-worker-2",
    ]);
    for (const { inputs } of commands) {
      expect(isSecret(inputs["stdin"])).toBe(true);
      expect(inputs).toMatchObject({ create: "sudo -n bash -s", addPreviousOutputInEnv: false, logging: "stderr" });
      expect(inputs["delete"]).toBeUndefined();
    }
    expect(commands.find(({ name }) => name === "cluster-worker-1")?.inputs["triggers"]).toEqual([
      expect.stringMatching(/^[0-9a-f]{16}$/),
      "daybreak-dev-control-plane-id",
      "daybreak-dev-worker-1-id",
    ]);
    expect(variable(script("cluster-ready"), "NODE_NAMES")).toBe("control-plane worker-1 worker-2");
  });

  test("tells kubeadm everything it needs", () => {
    expect(variable(script("cluster-control-plane"), "KUBEADM_CONFIG")).toMatchSnapshot();
    expect(variable(script("cluster-worker-1"), "KUBEADM_CONFIG")).toMatchSnapshot();
    expect(variable(script("cluster-worker-1"), "KUBEADM_CONFIG")).toContain(AUTHORITY_HASH);
  });

  test("gives the control plane its files", () => {
    const text = script("cluster-control-plane");
    expect(variable(text, "AUDIT_POLICY")).toMatchSnapshot();
    expect(variable(text, "ENCRYPTION_CONFIG")).toMatchSnapshot();
    expect(variable(text, "FLANNEL_MANIFEST")).toMatchSnapshot();
    expect(variable(text, "CA_CERTIFICATE")).toBe("CERTIFICATE authority-ca");
  });

  test("keeps the authority's key and the administrator's away from the workers", () => {
    const text = script("cluster-worker-1");
    expect(text).not.toContain("PRIVATE KEY authority-ca");
    expect(text).not.toContain("authority-admin");
    expect(script("cluster-control-plane")).not.toContain("PRIVATE KEY authority-admin");
  });

  test("gives the administrator a certificate that can be revoked by its binding", () => {
    const request = ofType(":CertRequest").find(({ name }) => name === "authority-admin");
    expect(request?.inputs["subject"]).toEqual({
      commonName: "kubernetes-admin",
      organization: "kubeadm:cluster-admins",
    });
  });

  test("gives the viewer 30 days, no group, and a name that goes with the key", async () => {
    const named = (type: string) => ofType(type).find(({ name }) => name === "authority-viewer")?.inputs;
    expect(named(":CertRequest")?.["subject"]).toEqual({ commonName: await valueOf(outputs["viewerUser"] as string) });
    expect(named(":LocallySignedCert")).toMatchObject({
      validityPeriodHours: 30 * 24,
      allowedUses: ["digital_signature", "key_encipherment", "client_auth"],
    });
    expect(viewerName(AUTHORITY_PUBLIC_KEY)).toBe(`daybreak-viewer-${AUTHORITY_HASH.slice(7, 19)}`);
  });

  test("keeps both kubeconfigs secret, and each to its own key", async () => {
    for (const [output, role] of [
      ["kubeconfig", "admin"],
      ["viewerKubeconfig", "viewer"],
    ] as const) {
      expect(await isSecretOutput(outputs[output] as Output<string>)).toBe(true);
      const key = Buffer.from(`PRIVATE KEY authority-${role}\n`).toString("base64");
      expect(await valueOf(outputs[output] as string)).toContain(`client-key-data: ${key}\n`);
    }
  });

  test("hands out these outputs", async () => {
    const kubeconfig = await valueOf(outputs["kubeconfig"] as string);
    const [document] = parseAllDocuments(kubeconfig);
    expect(document?.toJS()).toMatchSnapshot();
    const shown = { ...outputs, kubeconfig: undefined, viewerKubeconfig: undefined };
    expect(await valueOf(shown)).toMatchSnapshot();
  });
});

describe("the infra stack's settings", () => {
  test("reach the machines", async () => {
    await run({
      workerCount: 3,
      spot: true,
      cpuCredits: "standard",
      controlPlaneInstanceType: "m7i.large",
      rootVolumeGib: 40,
      ami: "ami-00000000000000001",
      availabilityZones: ["ap-northeast-2c", "ap-northeast-2a"],
    });
    const [controlPlane, ...workers] = ofType(":Instance");
    expect(controlPlane?.inputs).toMatchObject({ instanceType: "m7i.large", ami: "ami-00000000000000001" });
    expect(controlPlane?.inputs["creditSpecification"]).toBeUndefined();
    expect(controlPlane?.inputs["instanceMarketOptions"]).toBeUndefined();
    expect(workers).toHaveLength(3);
    expect(workers[2]?.inputs).toMatchObject({
      privateIp: "10.0.2.12",
      creditSpecification: { cpuCredits: "standard" },
      instanceMarketOptions: { marketType: "spot" },
      rootBlockDevice: { volumeSize: 40 },
    });
    expect(ofType(":Subnet").map(({ inputs }) => inputs["availabilityZone"])).toEqual([
      "ap-northeast-2c",
      "ap-northeast-2a",
    ]);
  });

  test("replace the workers when spot goes, which the provider alone would not", async () => {
    const registerResource = jest.spyOn(MockMonitor.prototype, "registerResource");
    const triggers = async (spot: boolean) => {
      registerResource.mockClear();
      await run({ spot });
      const requests = registerResource.mock.calls.map(([request]) => request as Request);
      const machines = requests.filter((request) => request.getType().endsWith(":Instance"));
      return machines.map((request) => request.getReplacementTrigger()?.toJavaScript());
    };
    expect(await triggers(true)).toEqual([false, true, true]);
    expect(await triggers(false)).toEqual([false, false, false]);
    registerResource.mockRestore();
  });

  test("reach the scripts", async () => {
    await run({ aptMirror: "http://198.51.100.20/apt", imageMirror: "http://198.51.100.20:5000", failCgroupV1: false });
    for (const name of ["cluster-control-plane", "cluster-worker-1"]) {
      const text = script(name);
      expect(variable(text, "PACKAGE_SITE")).toBe("http://198.51.100.20/apt");
      expect(variable(text, "PACKAGE_KEY_FINGERPRINT")).toBe("");
      expect(variable(text, "IMAGE_MIRROR")).toBe("http://198.51.100.20:5000");
      expect(variable(text, "KUBEADM_CONFIG")).toContain("SystemVerification");
    }
    expect(variable(script("cluster-control-plane"), "KUBEADM_CONFIG")).toContain("failCgroupV1: false");
  });

  test("close the node ports when nobody may reach them", async () => {
    await run({ nodePortCidrs: [] });
    const ports = ofType("GroupIngressRule").map(({ inputs }) => inputs["fromPort"]);
    expect(ports).not.toContain(30080);
    expect(ports).not.toContain(30300);
  });

  test("are refused before anything is registered", async () => {
    await mock();
    configure({ adminCidrs: [], workerCount: 0 });
    expect(() => infraStack()).toThrow("has 2 problems; nothing was changed");
    await settled();
    expect(registered).toEqual([]);
  });
});

test("a region with one zone is refused with the reason", () => {
  expect(() => firstTwoZones(["xx-a"])).toThrow("two are needed");
});

test("quoting is bash's", () => {
  expect(quote("it's")).toBe(`'it'\\''s'`);
});
