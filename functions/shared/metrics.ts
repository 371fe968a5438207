import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName, type MetricValues } from '../../lib/sweep/record/metrics.ts';

/** The alarms and the dashboard of serverless.yml look here. */
const NAMESPACE = 'DliJobReaper';

/**
 * Each call writes one line of CloudWatch's embedded metric format, so that nothing is lost if the function dies later.
 *
 * @param at epoch ms, now by default. Metrics that are subtracted from each other bear the same time: the windows of an alarm
 * slide, and would otherwise hold the one and not the other.
 */
type WriteMetrics = (values: MetricValues, at?: number) => void;

export function createMetricsWriter(stage: string): WriteMetrics {
  const metrics = new Metrics({ namespace: NAMESPACE });
  // Powertools adds a dimension for the service, which would make two of one.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ stage });
  return (values, at) => {
    if (at !== undefined) metrics.setTimestamp(at);
    for (const [name, value] of Object.entries(values)) metrics.addMetric(name, METRICS[name as MetricName], value);
    metrics.publishStoredMetrics();
  };
}
