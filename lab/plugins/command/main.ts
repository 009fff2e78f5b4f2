/** The lab's plugin for `@pulumi/command`: remote.Command. */
import { version } from "@pulumi/command/package.json";
import { serve } from "../server/serve";
import { remoteCommandType } from "./remote-command";

serve({
  name: "command",
  version,
  configuration: {},
  resources: { "command:remote:Command": remoteCommandType },
});
