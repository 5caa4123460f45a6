/** The Job of somebody else that looks like ours: it must be there, unchanged, at the end. */
import { LABEL, MANAGED_BY } from '../../src/fence.ts';
import type { Stage } from './stage.ts';

const NAME = 'bystander';

export class Bystander {
  readonly #stage: Stage;
  readonly #uid: string;

  private constructor(stage: Stage, uid: string) {
    this.#stage = stage;
    this.#uid = uid;
  }

  /** The value of its task label. */
  static readonly TASK = 'f'.repeat(40);

  static async place(stage: Stage): Promise<Bystander> {
    const labels = { [LABEL.managedBy]: MANAGED_BY, [LABEL.run]: NAME, [LABEL.task]: Bystander.TASK };
    const containers = [{ name: 'main', image: 'holdfast.local/none:1' }];
    const job = await stage.batch.createNamespacedJob({
      namespace: stage.namespace,
      body: {
        metadata: { name: NAME, labels },
        spec: { suspend: true, template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers } } },
      },
    });
    return new Bystander(stage, job.metadata?.uid ?? '');
  }

  async isUntouched(): Promise<boolean> {
    const { batch, namespace } = this.#stage;
    const job = await batch.readNamespacedJob({ name: NAME, namespace }).catch(() => undefined);
    return job?.metadata?.uid === this.#uid && job.metadata.deletionTimestamp === undefined;
  }
}
