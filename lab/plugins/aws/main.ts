/** The lab's plugin for `@pulumi/aws`. */
import { serve } from "../server/serve";
import { provider } from "./provider";

serve(provider);
