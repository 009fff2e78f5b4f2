/** Program of the plugin `pulumi-resource-kubernetes` of the lab. */
import { serve } from "../server/serve";
import { kubernetes } from "./provider";

serve(kubernetes);
