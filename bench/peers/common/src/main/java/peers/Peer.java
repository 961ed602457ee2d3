package peers;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Runs an engine over the reference workloads: a new engine five times each, so that the just-in-time compiler has seen
 * the work (fewer where a minute is over); prints the matches and the median rate of each, as lines of engine, workload, matches and events a second.
 */
final class Peer {
  private static final int RUNS = 5;
  private static final double ENOUGH_SECONDS = 60;

  /** One engine with the rules of one workload. */
  interface Engine extends AutoCloseable {
    /** Sends all events, and returns the number of matches. */
    long run(Events events) throws Exception;

    @Override
    void close();
  }

  interface Maker {
    /** Null where the engine has no such rule. */
    Engine make(String workload) throws Exception;
  }

  private Peer() {}

  /** Of this thread: what the just-in-time compiler and the garbage collector take beside it is the engine's gift. */
  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  /** Arguments: ticks.csv, payments.csv, then the workloads. */
  static void main(String engineName, Maker maker, String[] arguments) throws Exception {
    Events ticks = Events.read(Path.of(arguments[0]));
    Events payments = Events.read(Path.of(arguments[1]));
    Set<String> ofTicks = Set.of("filter", "rules_1000", "thresholds");
    for (String workload : Arrays.copyOfRange(arguments, 2, arguments.length)) {
      Events events = ofTicks.contains(workload) ? ticks : payments;
      List<Double> seconds = new ArrayList<>();
      long matches = 0;
      double total = 0;
      while (seconds.size() < RUNS && total < ENOUGH_SECONDS) {
        try (Engine engine = maker.make(workload)) {
          if (engine == null) break;
          long begin = cpuNanos();
          matches = engine.run(events);
          seconds.add((cpuNanos() - begin) / 1e9);
          total += seconds.get(seconds.size() - 1);
        }
      }
      if (seconds.isEmpty()) continue;
      Collections.sort(seconds);
      double rate = events.size() / seconds.get(seconds.size() / 2);
      System.out.printf(Locale.ROOT, "%s\t%s\t%d\t%.0f%n", engineName, workload, matches, rate);
      System.out.flush();
    }
  }
}
