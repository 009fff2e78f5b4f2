import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { images } from "../../../config/versions";
import { inShell, output, shell } from "../lab-cli";
import { tell } from "../tell";
import { chiSquare, RARE } from "./chi-square";
import { upWith } from "./config";

const MINUTE = 60_000;

/** By the callee's proxy; by the caller's own, whose packets a network policy dropped; or by nobody at all. */
const REFUSED = /^(403|50[234]|000)$/;
const VERSIONS = ["v1", "v2", "v3"] as const;

type Weights = Readonly<Record<(typeof VERSIONS)[number], number>>;

/** Requests of which the shares are counted. */
const SAMPLE = 600;

/** How a request ended: its status, "000" for none. */
const STATUS = ["-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}"];

/** What the mesh does with Bookinfo's traffic: the split of reviews, and who may call whom. */
export function bookinfoInTheMesh(lab: string): void {
  const kubectl = (...args: string[]) => shell(lab, ["kubectl", ...args]);
  const bookinfo = () => output(lab, "lab-k8s", "bookinfoUrl");

  /** How often each version answered. */
  async function answers(): Promise<number[]> {
    const url = (await bookinfo()).replace("/productpage", `/api/v1/products/0/reviews?n=[1-${SAMPLE}]`);
    const bodies = await shell(lab, ["curl", "-s", "-S", url]);
    return VERSIONS.map((version) => bodies.split(`"podname":"reviews-${version}-`).length - 1);
  }

  function expectShares(counts: number[], weights: Weights): void {
    const shares = VERSIONS.map((version) => weights[version]);
    const { statistic, freedom } = chiSquare(counts, shares);
    tell(`reviews ${counts.join(" / ")} of ${SAMPLE}, chi-square ${statistic.toFixed(2)} (${freedom} degrees)`);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(SAMPLE);
    expect(counts.filter((count, index) => shares[index] === 0 && count > 0)).toEqual([]);
    expect(statistic).toBeLessThan(RARE[freedom] ?? 0);
  }

  /** `pulumi up` with these weights. */
  const upWithWeights = (weights: Weights) =>
    upWith(lab, Object.fromEntries(VERSIONS.map((version) => [`reviewsWeights.${version}`, String(weights[version])])));

  describe("reviews", () => {
    it(
      "gives each version a third of the requests",
      async () => {
        expectShares(await answers(), { v1: 1, v2: 1, v3: 1 });
      },
      6 * MINUTE,
    );

    it(
      "follows the weights of the configuration",
      async () => {
        const weights = { v1: 75, v2: 25, v3: 0 };
        expect(await upWithWeights(weights)).toMatchObject({ updated: 1 });
        expectShares(await answers(), weights);
        expect(await upWith(lab, {})).toMatchObject({ updated: 1 });
      },
      6 * MINUTE,
    );

    it(
      "hides failures of one version by asking again",
      async () => {
        const fault = (value: string) => kubectl("-n", "bookinfo", "set", "env", "deployment/reviews-v1", value);
        await fault("STAND_IN_FAULT_PERCENT=100");
        try {
          await kubectl("-n", "bookinfo", "rollout", "status", "deployment/reviews-v1", "--timeout=90s");
          const counts = await answers();
          const unanswered = SAMPLE - counts.reduce((sum, count) => sum + count, 0);
          tell(`a third of the first tries fail, ${((100 * unanswered) / SAMPLE).toFixed(1)} % of the requests do`);
          // A pod from before the fault may still answer in its last second.
          expect(counts[0]).toBeLessThan(SAMPLE / 50);
          // Three tries in a row at the bad third: 1 in 27. Without another try it would be 1 in 3.
          expect(unanswered / SAMPLE).toBeLessThan(0.1);
        } finally {
          await fault("STAND_IN_FAULT_PERCENT-");
          await kubectl("-n", "bookinfo", "rollout", "status", "deployment/reviews-v1", "--timeout=90s");
        }
      },
      6 * MINUTE,
    );
  });

  describe("authorization", () => {
    const RATINGS = "http://ratings.bookinfo:9080/ratings/0";
    /** The status that one of Bookinfo's own pods gets; curl's failure shows as 000. */
    async function fromPod(deployment: string, url: string): Promise<string> {
      const pod = ["-n", "bookinfo", "exec", `deployment/${deployment}`, "--"];
      return (await inShell(lab, ["kubectl", ...pod, "curl", ...STATUS, url])).stdout;
    }

    /**
     * The status that a pod gets which the NetworkPolicies let through by its label: what refuses it is the mesh. It is
     * never ready, or the service of that label would send it requests.
     */
    async function asReviews(serviceAccountName: string, inject: "enabled" | "disabled"): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), "daybreak-caller-"));
      const name = `caller-${Date.now()}`;
      const file = join(folder, "pod.json");
      const container = {
        name: "caller",
        image: images.curl,
        command: ["curl", "--retry", "3", "--retry-connrefused", ...STATUS, RATINGS],
        readinessProbe: { exec: { command: ["false"] } },
      };
      const metadata = {
        name,
        namespace: "bookinfo",
        labels: { app: "reviews" },
        annotations: { "linkerd.io/inject": inject },
      };
      const spec = { serviceAccountName, restartPolicy: "Never", containers: [container] };
      try {
        await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec }));
        await kubectl("create", "--filename", file);
        const over = "--for=jsonpath={.status.containerStatuses[?(@.name=='caller')].state.terminated}";
        await kubectl("-n", "bookinfo", "wait", over, `pod/${name}`, "--timeout=90s");
        return await kubectl("-n", "bookinfo", "logs", name, "--container", "caller");
      } finally {
        await kubectl("-n", "bookinfo", "delete", "pod", name, "--ignore-not-found", "--wait=false");
        await rm(folder, { recursive: true });
      }
    }

    it(
      "lets Bookinfo's own chain pass, from outside to ratings",
      async () => {
        expect(await shell(lab, ["curl", ...STATUS, await bookinfo()])).toBe("200");
        expect(await fromPod("productpage-v1", "http://details:9080/details/0")).toBe("200");
        expect(await fromPod("productpage-v1", "http://reviews:9080/reviews/0")).toBe("200");
        expect(await asReviews("bookinfo-reviews", "enabled")).toBe("200");
      },
      4 * MINUTE,
    );

    it(
      "refuses a meshed caller with another identity, and one without any",
      async () => {
        expect(await asReviews("default", "enabled")).toBe("403");
        expect(await asReviews("bookinfo-reviews", "disabled")).toBe("403");
      },
      6 * MINUTE,
    );

    it(
      "refuses calls that the chain does not have, here or below in the network",
      async () => {
        expect(await fromPod("productpage-v1", RATINGS)).toMatch(REFUSED);
        expect(await fromPod("details-v1", "http://reviews:9080/reviews/0")).toMatch(REFUSED);
      },
      6 * MINUTE,
    );
  });
}
