package peers;

import io.siddhi.core.SiddhiAppRuntime;
import io.siddhi.core.SiddhiManager;
import io.siddhi.core.event.Event;
import io.siddhi.core.stream.input.InputHandler;
import io.siddhi.core.stream.output.StreamCallback;

/**
 * Siddhi on the reference workloads: event time by playback, one thread, a callback that counts.
 * A window of Tocsin holds both its ends; one of 60,001 ms here, of times in whole milliseconds, holds the same events.
 */
public final class SiddhiPeer implements Peer.Engine {
  private static final String STREAMS =
      "@app:playback define stream Tick (symbol string, price double, volume int);"
          + " define stream Payment (card string, amount double);";

  private final SiddhiManager manager = new SiddhiManager();
  private final SiddhiAppRuntime runtime;
  private final boolean isOfTicks;
  private long matches;

  private SiddhiPeer(String queries) {
    isOfTicks = queries.contains("Tick");
    runtime = manager.createSiddhiAppRuntime(STREAMS + queries);
    runtime.addCallback("Out", new StreamCallback() {
      @Override
      public void receive(Event[] events) {
        matches += events.length;
      }
    });
    runtime.start();
  }

  private static String perCard(String joint) {
    return "partition with (card of Payment) begin from every a=Payment[amount < 5]" + joint + "b=Payment[amount < 5]"
        + joint + "c=Payment[amount > 500] within 60 sec select a.card as card, c.amount as amount insert into Out; end;";
  }

  private static String window(String having) {
    return "from Payment#window.time(60001 millisec) select card, count() as n, sum(amount) as total group by card having "
        + having + " insert into Out;";
  }

  private static String queries(String workload) {
    return switch (workload) {
      case "filter" -> "from Tick[price > 95] select symbol, price insert into Out;";
      case "sequence" -> perCard(" -> ");
      case "contiguous" -> perCard(", ");
      case "count_sum" -> window("n > 5 and total > 16000.0");
      case "count_every" -> window("n > 5");
      case "rules_1000" -> String.join("", Rules.ofSymbols(1000, (symbol, price) ->
          "from Tick[symbol == '" + symbol + "' and price > " + price + "] select symbol, price insert into Out;"));
      case "thresholds" -> String.join("", Rules.ofThresholds(price ->
          "from Tick[price > " + price + "] select price insert into Out;"));
      default -> null;
    };
  }

  @Override
  public long run(Events events) throws InterruptedException {
    InputHandler handler = runtime.getInputHandler(isOfTicks ? "Tick" : "Payment");
    for (int i = 0; i < events.size(); ++i) {
      handler.send(events.timeMs(i), isOfTicks
          ? new Object[] {events.key[i], events.number[i], events.volume[i]}
          : new Object[] {events.key[i], events.number[i]});
    }
    return matches;
  }

  @Override
  public void close() {
    runtime.shutdown();
    manager.shutdown();
  }

  public static void main(String[] arguments) throws Exception {
    Peer.main("siddhi", workload -> {
      String queries = queries(workload);
      return queries == null ? null : new SiddhiPeer(queries);
    }, arguments);
  }
}
