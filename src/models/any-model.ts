// The architectures of all kinds of model, told apart by `kind`.

import type { Filled } from '../core/check.ts';
import type { GptConfig } from './gpt-config.ts';
import type { TranslatorConfig } from './translator-config.ts';
import type { VitConfig } from './vit-config.ts';

/** The architecture of any kind of model, defaults filled in; `kind` says which. A GPT's has none. */
export type AnyModel =
  | (Filled<GptConfig> & { kind?: undefined })
  | Filled<VitConfig>
  | Filled<TranslatorConfig>;
