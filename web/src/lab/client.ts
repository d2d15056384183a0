/** The grader in the page, see Asker: each exercise and question has a lane of its own. */
import { Asker } from '../engine/asker';
import { moduleInWorker } from '../engine/transport';
import { gradeHelloCall } from '../engine/zprotocol';

/** How long, in ms, a trial may keep a newer one waiting. */
const patience = 1500;

/** The page's grader. */
export const grader = new Asker(moduleInWorker('skep grader', SKEP_GRADE), gradeHelloCall, patience);
