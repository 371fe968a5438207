import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName, type WriteMetrics } from '../../lib/sweep/record/metrics.ts';

/** The alarms and the dashboard of serverless.yml look here. */
const NAMESPACE = 'DliJobReaper';

/**
 * Each call writes one line of CloudWatch's embedded metric format.
 *
 * @param wanted names of metrics between blanks; the others are left out. Empty for all. Each metric that is written costs as
 *   much as three alarms, so a small stage writes only what its alarms read.
 */
export function createMetricsWriter(stage: string, wanted = ''): WriteMetrics {
  const names = new Set(wanted.split(' ').filter(Boolean));
  const metrics = new Metrics({ namespace: NAMESPACE });
  // Powertools adds a dimension for the service, which would make two of one.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ stage });
  return (values, at) => {
    const written = Object.entries(values).filter(([name]) => names.size === 0 || names.has(name));
    if (written.length === 0) return;
    if (at !== undefined) metrics.setTimestamp(at);
    for (const [name, value] of written) metrics.addMetric(name, METRICS[name as MetricName], value);
    metrics.publishStoredMetrics();
  };
}
