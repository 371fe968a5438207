import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName, type MetricValues } from '../../lib/metrics.ts';

/** The alarms and the dashboard of serverless.yml look here. */
const NAMESPACE = 'DliJobReaper';

/** Each call writes one line of CloudWatch's embedded metric format, so that nothing is lost if the function dies later. */
export function createMetricsWriter(stage: string): (values: MetricValues) => void {
  const metrics = new Metrics({ namespace: NAMESPACE });
  // Powertools adds a dimension for the service, which would make two of one.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ stage });
  return (values) => {
    for (const [name, value] of Object.entries(values)) metrics.addMetric(name, METRICS[name as MetricName], value);
    metrics.publishStoredMetrics();
  };
}
