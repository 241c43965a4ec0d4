// The page's content security policy forbids code from strings, which zod would otherwise try. Imported before any schema.
import { config } from "zod";

config({ jitless: true });
