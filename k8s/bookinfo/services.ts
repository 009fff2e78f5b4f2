import { images } from "../../config/versions";
import type { Budget } from "../budget";

/** Every service of Bookinfo listens here. */
export const PORT = 9080;

/** That port's name in every pod. */
export const PORT_NAME = "http";

/** Bookinfo's services, callees first: productpage calls details and reviews, reviews v2 and v3 call ratings. */
export const SERVICES = ["ratings", "details", "reviews", "productpage"] as const;

export type ServiceName = (typeof SERVICES)[number];

/** The versions of reviews, which run side by side; the other services have v1 only. */
export const VERSIONS = ["v1", "v2", "v3"] as const;

export type Version = (typeof VERSIONS)[number];

/** The service account of a service's pods, and with it their name in the mesh. */
export const account = (service: ServiceName): string => `bookinfo-${service}`;

/** One workload of Bookinfo: a version of one of its four services. */
export interface Workload {
  service: ServiceName;
  version: Version;
  image: string;
  budget: Budget;
  /** Directories the program writes to, each an empty one that goes with the pod. */
  scratch: readonly { name: string; path: string }[];
  env?: Readonly<Record<string, string>>;
  /** Longest start that is still normal, in seconds, on a busy t3.medium. */
  startupSeconds: number;
}

const TMP = { name: "tmp", path: "/tmp" };

/** Open Liberty, a Java server: it writes its logs and its work area, and starts slowly where CPU is scarce. */
function reviews(version: Version, image: string): Workload {
  return {
    service: "reviews",
    version,
    image,
    budget: { cpu: 100, memory: 256, memoryLimit: 512 },
    scratch: [TMP, { name: "wlp-output", path: "/opt/ibm/wlp/output" }],
    env: { LOG_DIR: "/tmp/logs" },
    startupSeconds: 180,
  };
}

/** Bookinfo of Istio's release-1.20: four services, of which reviews runs in three versions with a third of the calls each. */
export const WORKLOADS: readonly Workload[] = [
  {
    service: "details",
    version: "v1",
    image: images.bookinfo.details,
    budget: { cpu: 20, memory: 48, memoryLimit: 160 },
    scratch: [],
    startupSeconds: 60,
  },
  {
    service: "ratings",
    version: "v1",
    image: images.bookinfo.ratings,
    budget: { cpu: 20, memory: 56, memoryLimit: 160 },
    scratch: [],
    startupSeconds: 60,
  },
  reviews("v1", images.bookinfo.reviewsV1),
  reviews("v2", images.bookinfo.reviewsV2),
  reviews("v3", images.bookinfo.reviewsV3),
  {
    service: "productpage",
    version: "v1",
    image: images.bookinfo.productpage,
    budget: { cpu: 100, memory: 96, memoryLimit: 256 },
    scratch: [TMP],
    startupSeconds: 60,
  },
];

/** Services whose pods may become more under load; the others do next to nothing, and have two already. */
const SCALED: readonly ServiceName[] = ["productpage", "reviews"];

/** Name of a workload's Deployment, and of what belongs to it. */
export const workloadName = ({ service, version }: Workload): string => `${service}-${version}`;

/** Bookinfo's own labels: dashboards and the mesh's policies go by them. */
export const workloadLabels = ({ service, version }: Workload) => ({ app: service, version });

/** Whether a workload is one of those that `daybreak:autoscaling` is about. */
export const isScaled = ({ service }: Workload): boolean => SCALED.includes(service);

/** Whether a workload goes to the control-plane node while pinning is on: only the page that the outside asks for. */
export const isPinned = (workload: Workload): boolean => workload.service === "productpage";
