/**
 * A kill as a model: somebody's own process, beside a worker that may be doing anything. It ends the workflow, then asks
 * src/kill/steps.ts what to do next; a node that does not answer in time loses its Pod's object, and with it the proof.
 */
import { isOfTask, type RunWorld } from '../../../src/fence.ts';
import { isReleased, type KillStep, nextKillSteps } from '../../../src/kill/steps.ts';
import type { Anchor, ApiRequest, Job } from '../cluster.ts';
import { anchorNamed, jobNamed } from '../cluster.ts';
import type { Emit } from '../explore.ts';
import { tell } from '../promise.ts';
import { send } from '../world.ts';
import type { Variant } from './holdfast-attempts.ts';
import { asConfigMap, asJob, asPod, runName, TASK_LABEL } from './holdfast-objects.ts';
import { abandoned, type Holdfast, type Kill, type W } from './holdfast-state.ts';

/** Whose requests they are; attempts have smaller numbers. */
export const KILLER = 100;

export function killSteps(world: W, variant: Variant, emit: Emit<W>): void {
  const { kill } = world.local;
  if (kill === null) return begin(world, variant, emit);
  switch (kill.at) {
    case 'workflow':
      return terminate(world, kill, variant, emit);
    case 'anchor':
      return emit('Kill reads the anchor', going(world, { ...kill, at: 'job', anchor: ownAnchor(world) }));
    case 'job':
      return emit('Kill reads the Job', going(world, { ...kill, at: 'pods', job: ownJob(world) }));
    case 'pods':
      return decide(world, kill, variant, emit);
    case 'wait':
  }
}

/** Whatever the answer says, or if there is none: it looks again. */
export function afterKillAnswer(local: Holdfast): Holdfast {
  return local.kill === null ? local : { ...local, kill: { ...local.kill, at: 'anchor' } };
}

function begin(world: W, variant: Variant, emit: Emit<W>): void {
  const { left, local } = world;
  if (left.kill === 0 || local.phase === 'closed') return;
  const at = variant.killReleasesFirst ? 'anchor' : 'workflow';
  const kill: Kill = { at, anchor: null, job: null, forced: false };
  emit('Somebody kills the task from outside', going({ ...world, left: { ...left, kill: left.kill - 1 } }, kill));
}

function terminate(world: W, kill: Kill, variant: Variant, emit: Emit<W>): void {
  const { local } = world;
  const closed: W = { ...world, local: { ...abandoned(local), phase: 'closed' } };
  const ended = local.phase === 'closed' ? world : tell(closed, 'terminated');
  const label = 'Kill terminates the workflow: the record is closed and no code of it runs';
  emit(label, variant.killReleasesFirst ? over(ended, kill) : going(ended, { ...kill, at: 'anchor' }));
}

function decide(world: W, kill: Kill, variant: Variant, emit: Emit<W>): void {
  const pods = world.cluster.pods.flatMap((pod) => asPod(pod) ?? []);
  const looked: RunWorld = { anchor: asConfigMap(kill.anchor), job: asJob(kill.job), pods };
  const again: Kill = { ...kill, at: 'anchor', anchor: null, job: null };
  const [asked] = nextKillSteps(looked, 'asking');
  if (asked !== undefined) return emit(`Kill sends "${asked.do}"`, asking(world, again, asked));
  if (isReleased(looked) || variant.killToldBeforeProof)
    return emit(
      'Kill reads the Pods: nothing is left',
      variant.killReleasesFirst ? going(world, { ...again, at: 'workflow' }) : over(world, kill),
    );
  emit('Kill reads the Pods: not all is gone yet, it looks again', going(world, again));
  const [forced] = nextKillSteps(looked, 'forcing');
  if (forced === undefined) return;
  const marked = variant.killForgetsForce ? again : { ...again, forced: true };
  emit('Kill has waited long enough, and sends "remove the Pod without its node"', asking(world, marked, forced));
}

function asking(world: W, kill: Kill, step: KillStep): W {
  return send(going(world, { ...kill, at: 'wait' }), KILLER, requestOf(step, world.local));
}

function requestOf(step: KillStep, { names, jobName: name }: Holdfast): ApiRequest {
  const uid = Number(step.uid);
  switch (step.do) {
    case 'end pod':
      return { verb: 'delete pod', uid, force: step.graceSeconds === 0 };
    case 'delete anchor':
      return { verb: 'delete anchor', name: names, uid };
    case 'delete job':
      return { verb: 'delete job', name, uid, version: Number(step.resourceVersion), propagation: 'Foreground' };
  }
}

/** What had been told before stays as it is: the task had ended by itself. */
function over(world: W, { forced }: Kill): W {
  const { facts, local } = world;
  const done: W = { ...world, local: { ...local, kill: null } };
  return facts.told === 'terminated' ? tell(done, forced ? 'killed_unproved' : 'killed') : done;
}

function going(world: W, kill: Kill): W {
  return { ...world, local: { ...world.local, kill } };
}

function ownAnchor({ cluster, local }: W): Anchor | null {
  return anchorNamed(cluster, local.names) ?? null;
}

function ownJob({ cluster, local }: W): Job | null {
  const found = jobNamed(cluster, local.jobName);
  return isOfTask(asJob(found), runName(local.names), TASK_LABEL) ? (found ?? null) : null;
}
