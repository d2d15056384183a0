/** Entry of the Worker bundle (engine-worker.js). */
import { serve, type Port } from './worker';

serve(self as unknown as Port);
