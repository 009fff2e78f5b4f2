import * as pulumi from "@pulumi/pulumi";

import { incompatibilities } from "../../../config/compatibility";
import { ConfigError } from "../../../config/error";
import { loadInfraConfig, loadK8sConfig, loadLayer, requireCompatibleVersions } from "../../../config/load";
import { planNetwork } from "../../../config/network";
import { nearest } from "../../../config/validate";
import { images, kubernetesImages, REGISTRIES } from "../../../config/versions";

const mocks: pulumi.runtime.Mocks = {
  newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
  call: ({ inputs }) => inputs as Record<string, unknown>,
};

/** Sets the stack's configuration under daybreak:, structured values as the CLI stores them. */
async function configure(values: Record<string, unknown>, stack = "dev"): Promise<void> {
  await pulumi.runtime.setMocks(mocks, "daybreak", stack, false, "acme");
  const texts = Object.entries(values).map(([key, value]) => [
    `daybreak:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts) as Record<string, string>);
}

const office = { layer: "infra", adminCidrs: ["203.0.113.7/32"] };

/** The error that loading a configuration ends with. */
function refusal(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

async function infraFaults(values: Record<string, unknown>): Promise<string[]> {
  await configure({ ...office, ...values });
  return refusal(loadInfraConfig).violations.map(({ key, reason }) => `${key}: ${reason}`);
}

describe("the infra stack's configuration", () => {
  test("needs nothing but the administrators' networks", async () => {
    await configure(office);
    expect(loadInfraConfig()).toMatchObject({
      region: "ap-northeast-2",
      vpcCidr: "10.0.0.0/16",
      podCidr: "10.244.0.0/16",
      serviceCidr: "10.96.0.0/12",
      adminCidrs: ["203.0.113.7/32"],
      nodePortCidrs: ["0.0.0.0/0"],
      controlPlaneInstanceType: "t3.medium",
      workerCount: 2,
      kubernetesVersion: "1.35.4",
      failCgroupV1: true,
      spot: false,
      tags: {},
    });
  });

  test("says how to set the administrators' networks", async () => {
    await configure({ layer: "infra" });
    const { message } = refusal(loadInfraConfig);
    expect(message).toContain("daybreak:adminCidrs is not set");
    expect(message).toContain(
      `pulumi config set --stack dev --path 'daybreak:adminCidrs[0]' "$(curl -s https://checkip.amazonaws.com)/32"`,
    );
  });

  test("reports every fault at once, with key, value, reason, what is allowed and the command", async () => {
    await configure({
      layer: "infra",
      adminCidrs: ["0.0.0.0/0", "10.0.0.1/24"],
      vpcCidr: "10.244.0.0/20",
      workerCount: 12,
      workerCounts: 3,
      trafficRate: 1,
      spot: "yes",
      tags: { "aws:x": "1" },
    });
    const error = refusal(loadInfraConfig);
    expect(error.violations).toHaveLength(8);
    expect(error.message).toMatchSnapshot();
    expect(pulumi.RunError.isInstance(error)).toBe(true);
  });

  test.each([
    ["adminCidrs", [], /nobody could reach SSH/],
    ["adminCidrs", ["0.0.0.0/0"], /never opened to the world/],
    ["adminCidrs", ["0.0.0.0/1"], /nearly the world/],
    ["adminCidrs", ["::/0"], /IPv6 is not used/],
    ["adminCidrs", ["1.2.3.4/32", "1.2.3.4/32"], /same network twice/],
    ["adminCidrs", ["1.2.3.4"], /not an IPv4 network/],
    ["adminCidrs", ["0x01.2.3.4/32"], /not an IPv4 network/],
    ["nodePortCidrs", Array.from({ length: 15 }, (_, index) => `10.0.${index}.0/24`), /60 rules/],
    ["vpcCidr", "10.0.0.1/16", /10.0.0.0\/16 is/],
    ["vpcCidr", "10.0.0.0/8", /not from \/16 to \/27/],
    ["vpcCidr", "10.0.0.0/28", /not from \/16 to \/27/],
    ["vpcCidr", "8.8.0.0/16", /private address ranges/],
    ["podCidr", "10.0.128.0/20", /overlaps vpcCidr 10.0.0.0\/16/],
    ["serviceCidr", "10.244.0.0/16", /overlaps podCidr/],
    ["vpcCidr", "10.100.0.0/16", /overlaps serviceCidr/],
    ["podCidr", "10.244.0.0/24", /not from \/8 to \/20/],
    ["availabilityZones", ["ap-northeast-2a"], /not two zones/],
    ["availabilityZones", ["ap-northeast-2a", "ap-northeast-2a"], /same zone twice/],
    ["controlPlaneInstanceType", "t4g.medium", /Graviton/],
    ["workerInstanceType", "t3.micro", /1700 MB/],
    ["workerInstanceType", "medium", /not an EC2 instance type/],
    ["workerCount", 0, /from 1 to 10/],
    ["workerCount", 1.5, /from 1 to 10/],
    ["rootVolumeGib", 8, /from 12 to 16384/],
    ["kubernetesVersion", "1.35", /not a version/],
    ["kubernetesVersion", "1.33.1", /end of life/],
    ["kubernetesVersion", "1.36.0", /needs containerd 2/],
    ["cpuCredits", "some", /neither unlimited nor standard/],
    ["ami", "ubuntu", /not the id of an image/],
    ["aptMirror", "ftp://mirror/apt", /neither http nor https/],
    ["imageMirror", "http://u:p@mirror", /holds a name or password/],
    ["imageMirror", "http://mirror/", /ends in a slash/],
    ["region", "Seoul", /not the name of an AWS region/],
    ["tags", { Name: "x" }, /not free to use/],
  ])("refuses %s = %j", async (key, value, reason) => {
    expect(await infraFaults({ [key]: value })).toEqual([expect.stringMatching(reason)]);
  });

  test.each([
    ["g4dn.xlarge", true],
    ["m7gd.large", false],
    ["a1.large", false],
    ["c7i-flex.large", true],
  ])("knows %s for x86: %s", async (type, accepted) => {
    await configure({ ...office, workerInstanceType: type });
    if (accepted) expect(loadInfraConfig().workerInstanceType).toBe(type);
    else expect(refusal(loadInfraConfig).message).toContain("Graviton");
  });

  test("blames the network that was set, not the default it meets", async () => {
    expect(await infraFaults({ vpcCidr: "10.244.0.0/16" })).toEqual([
      "daybreak:vpcCidr: overlaps podCidr 10.244.0.0/16",
    ]);
  });

  test("names the entry of a list in the command", async () => {
    await configure({ layer: "infra", adminCidrs: ["1.2.3.4/32", "nonsense"] });
    const [violation] = refusal(loadInfraConfig).violations;
    expect(violation).toMatchObject({ key: "daybreak:adminCidrs[1]", value: "nonsense" });
    expect(violation?.command).toContain("'daybreak:adminCidrs[1]'");
  });

  test("never shows a secret value", async () => {
    await configure({ ...office, ami: "hunter2" });
    process.env["PULUMI_CONFIG_SECRET_KEYS"] = '["daybreak:ami"]';
    const { message } = refusal(loadInfraConfig);
    delete process.env["PULUMI_CONFIG_SECRET_KEYS"];
    expect(message).toContain("daybreak:ami = [secret]");
    expect(message).not.toContain("hunter2");
  });
});

describe("the k8s stack's configuration", () => {
  test("finds its infra stack by its own name", async () => {
    await configure({ layer: "k8s" }, "dev-k8s");
    expect(loadK8sConfig()).toMatchObject({
      infraStack: "acme/daybreak/dev",
      pinToControlPlane: true,
      trafficRate: 10,
      linkerdChannel: "edge",
      grafana: { adminUser: "admin", timezone: "browser" },
      charts: {},
    });
  });

  test.each([
    ["lab", "acme/daybreak/lab"],
    ["organization/other/lab", "organization/other/lab"],
  ])("takes %s for %s", async (infraStack, full) => {
    await configure({ layer: "k8s", infraStack });
    expect(loadK8sConfig().infraStack).toBe(full);
  });

  test("splits reviews in thirds unless told otherwise, and never sends to nobody", async () => {
    await configure({ layer: "k8s" }, "dev-k8s");
    expect(loadK8sConfig().reviewsWeights).toEqual({ v1: 1, v2: 1, v3: 1 });
    await configure({ layer: "k8s", reviewsWeights: { v1: 95, v2: 0, v3: 5 } }, "dev-k8s");
    expect(loadK8sConfig().reviewsWeights).toEqual({ v1: 95, v2: 0, v3: 5 });
    for (const reviewsWeights of [{ v1: 0, v2: 0, v3: 0 }, { v1: 1, v2: 1 }, { v1: 1, v2: 1, v3: -1 }, { v4: 1 }]) {
      await configure({ layer: "k8s", reviewsWeights }, "dev-k8s");
      expect(refusal(loadK8sConfig).message).toContain("daybreak:reviewsWeights");
    }
  });

  test("leaves the number of pods alone unless told otherwise, and takes true for all defaults", async () => {
    const autoscaling = async (value?: unknown) => {
      await configure({ layer: "k8s", ...(value === undefined ? {} : { autoscaling: value }) }, "dev-k8s");
      return loadK8sConfig().autoscaling;
    };
    expect(await autoscaling()).toBeUndefined();
    expect(await autoscaling(false)).toBeUndefined();
    expect(await autoscaling(true)).toEqual({ maximum: 3, cpuPercent: 200 });
    expect(await autoscaling({ cpuPercent: 80 })).toEqual({ maximum: 3, cpuPercent: 80 });
    for (const [wrong, reason] of [
      ["yes", "neither true, false nor settings"],
      [{ maximum: 5 }, "not a whole number from 2 to 4"],
      [{ cpuPercent: 5 }, "not a whole number from 10 to 1000"],
      [{ pods: 2 }, "there is no setting pods here"],
    ] as const) {
      await configure({ layer: "k8s", autoscaling: wrong }, "dev-k8s");
      const { violations } = refusal(loadK8sConfig);
      expect(violations).toEqual([
        expect.objectContaining({ reason, command: "pulumi config set --stack dev-k8s daybreak:autoscaling true" }),
      ]);
    }
  });

  test("reports faults inside structured values", async () => {
    await configure(
      { layer: "k8s", charts: { prometheus: { timeoutSeconds: 3 }, linkerdviz: {} }, grafana: { adminUser: "a b" } },
      "dev-k8s",
    );
    expect(refusal(loadK8sConfig).violations.map(({ key }) => key)).toEqual([
      "daybreak:charts.prometheus.timeoutSeconds",
      "daybreak:charts.linkerdviz",
      "daybreak:grafana.adminUser",
    ]);
  });

  test("needs the infra stack where the name does not tell", async () => {
    await configure({ layer: "k8s" }, "workloads");
    expect(refusal(loadK8sConfig).message).toContain("daybreak:infraStack is not set");
  });
});

describe("the layer", () => {
  test("is required and one of two", async () => {
    await configure({});
    expect(refusal(loadLayer).message).toContain("daybreak:layer is not set");
    await configure({ layer: "both" });
    expect(refusal(loadLayer).message).toContain("there is no such layer");
    await configure({ layer: "k8s" });
    expect(loadLayer()).toBe("k8s");
  });
});

describe("versions", () => {
  test("the edge line of Linkerd supports the default, stable does not", async () => {
    expect(incompatibilities({ kubernetesVersion: "v1.35.4", linkerdChannel: "edge" })).toEqual([]);
    const [reason] = incompatibilities({ kubernetesVersion: "v1.35.4", linkerdChannel: "stable" });
    expect(reason).toContain("Linkerd stable-2.14.10 (linkerdChannel stable) supports Kubernetes 1.21 to 1.28");
    await configure({ layer: "k8s" }, "dev-k8s");
    const choice = { kubernetesVersion: "1.35.4", linkerdChannel: "stable" } as const;
    const error = refusal(() => requireCompatibleVersions({ ...choice, allowUnsupportedVersions: false }));
    expect(error.message).toContain("pulumi config set --stack dev-k8s daybreak:allowUnsupportedVersions true");
    expect(() => requireCompatibleVersions({ ...choice, allowUnsupportedVersions: true })).not.toThrow();
  });

  test("kubeadm's images are named as kubeadm names them", () => {
    expect(kubernetesImages("1.35.4")).toContain("registry.k8s.io/etcd:3.6.6-0");
    expect(kubernetesImages("1.34.2")).toContain("registry.k8s.io/coredns/coredns:v1.12.1");
    expect(() => kubernetesImages("1.20.0")).toThrow("not among the lines");
  });

  test("every image comes from a registry that a mirror can stand in for", () => {
    const flat = [images.flannel, images.fortio, images.agnhost, ...Object.values(images.bookinfo)];
    for (const image of flat) expect(REGISTRIES).toContain(image.split("/")[0]);
  });
});

describe("the plan of addresses", () => {
  test.each([
    ["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.10", "10.0.2.19"],
    ["10.0.0.0/24", "10.0.0.64/26", "10.0.0.128/26", "10.0.0.74", "10.0.0.147"],
    ["10.0.0.32/27", "10.0.0.32/28", "10.0.0.48/28", "10.0.0.36", "10.0.0.61"],
  ])("of %s fits ten workers", (vpcCidr, controlPlane, workers, master, last) => {
    const plan = planNetwork({ vpcCidr, workerCount: 10 });
    expect(plan.subnetCidrs).toEqual([controlPlane, workers]);
    expect(plan.controlPlaneAddress).toBe(master);
    expect(plan.workerAddresses.at(-1)).toBe(last);
  });
});

test("a misspelt word finds its like, a strange one none", () => {
  expect(nearest("workercuont", ["workerCount", "region"])).toBe("workerCount");
  expect(nearest("elephant", ["workerCount", "region"])).toBeUndefined();
});
