import { Option } from "commander";

/** Which environment a command is about: `dev`, or what the shell says, as the lab's does. */
export function stackOption(): Option {
  return new Option("-s, --stack <name>", "infrastructure stack; the workloads' has -k8s behind its name")
    .env("DAYBREAK_STACK")
    .default("dev");
}
