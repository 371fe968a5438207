import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName, type WriteMetrics } from '../../lib/sweep/record/metrics.ts';

/** The alarms and the dashboard of serverless.yml look here. */
const NAMESPACE = 'DliJobReaper';

/** Each call writes one line of CloudWatch's embedded metric format. */
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
