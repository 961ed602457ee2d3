package peers;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Runs an engine over a reference workload: a new engine five times, so that the just-in-time compiler has seen the
 * work (fewer where a minute is over); prints a line of engine, workload, events of a run, matches and events a second
 * (the median of the runs).
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

  /** Arguments: ticks.csv, payments.csv, the number of events, the workload. */
  static void main(String engineName, Maker maker, String[] arguments) throws Exception {
    String workload = arguments[3];
    boolean isOfTicks = Set.of("filter", "rules_1000", "thresholds").contains(workload);
    Events events = Events.read(Path.of(arguments[isOfTicks ? 0 : 1]), Integer.parseInt(arguments[2]));
    List<Double> seconds = new ArrayList<>();
    long matches = 0;
    double total = 0;
    while (seconds.size() < RUNS && total < ENOUGH_SECONDS) {
      try (Engine engine = maker.make(workload)) {
        if (engine == null) return;
        long begin = cpuNanos();
        matches = engine.run(events);
        seconds.add((cpuNanos() - begin) / 1e9);
        total += seconds.get(seconds.size() - 1);
      }
    }
    Collections.sort(seconds);
    double rate = events.size() / seconds.get(seconds.size() / 2);
    System.out.printf(
        Locale.ROOT, "%s\t%s\t%d\t%d\t%.0f%n", engineName, workload, events.size(), matches, rate);
  }
}
