import { folderSuite } from "./folder-suite";

folderSuite("cli");
