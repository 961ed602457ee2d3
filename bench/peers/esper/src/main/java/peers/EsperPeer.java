package peers;

import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.espertech.esper.runtime.client.EPStatement;
import com.espertech.esper.runtime.client.EPEventService;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Esper on the reference workloads: bean events, external time, one thread, a listener that counts.
 * A window of Tocsin holds both its ends; one of 60,001 ms here, of times in whole milliseconds, holds the same events.
 */
public final class EsperPeer implements Peer.Engine {
  public record Tick(String symbol, double price, int volume) {
    public String getSymbol() {
      return symbol;
    }

    public double getPrice() {
      return price;
    }

    public int getVolume() {
      return volume;
    }
  }

  public record Payment(String card, double amount) {
    public String getCard() {
      return card;
    }

    public double getAmount() {
      return amount;
    }
  }

  private static final Map<String, EPCompiled> COMPILED = new ConcurrentHashMap<>();

  private final EPRuntime runtime;
  private final boolean isOfTicks;
  private long matches;

  private EsperPeer(String workload, List<String> rules) throws Exception {
    isOfTicks = rules.get(0).contains("Tick");
    Configuration configuration = new Configuration();
    configuration.getCommon().addEventType(Tick.class);
    configuration.getCommon().addEventType(Payment.class);
    configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
    configuration.getRuntime().getThreading().setListenerDispatchPreserveOrder(false);
    configuration.getRuntime().getThreading().setInsertIntoDispatchPreserveOrder(false);
    runtime = EPRuntimeProvider.getRuntime(workload, configuration);
    runtime.initialize();
    runtime.getEventService().advanceTime(0);
    EPCompiled compiled = COMPILED.get(workload);
    if (compiled == null) {
      String module = String.join(";\n", rules);
      compiled = EPCompilerProvider.getCompiler().compile(module, new CompilerArguments(configuration));
      COMPILED.put(workload, compiled);
    }
    for (EPStatement statement : runtime.getDeploymentService().deploy(compiled).getStatements()) {
      statement.addListener((arrived, left, of, in) -> matches += arrived == null ? 0 : arrived.length);
    }
  }

  private static List<String> rules(String workload) {
    return switch (workload) {
      case "filter" -> List.of("select symbol, price from Tick(price > 95)");
      case "sequence" -> List.of(
          "select a.card, c.amount from pattern [every a=Payment(amount < 5) -> (b=Payment(card = a.card, amount"
              + " < 5) -> c=Payment(card = a.card, amount > 500)) where timer:within(60 sec)]");
      case "contiguous" -> List.of(
          "select * from Payment match_recognize (partition by card measures A.card as card, C.amount as amount"
              + " after match skip to next row pattern (A B C)"
              + " define A as A.amount < 5, B as B.amount < 5, C as C.amount > 500)");
      case "count_sum" -> List.of(
          "select card, amount, count(*) as n from Payment#time(60001 msec) group by card"
              + " having count(*) > 5 and sum(amount) > 16000");
      case "count_every" -> List.of(
          "select card, amount, count(*) as n from Payment#time(60001 msec) group by card having count(*) > 5");
      case "rules_1000" -> Rules.ofSymbols(
          1000, (symbol, price) -> "select symbol, price from Tick(symbol = '" + symbol + "', price > " + price + ")");
      case "thresholds" -> Rules.ofThresholds(price -> "select price from Tick(price > " + price + ")");
      default -> null;
    };
  }

  @Override
  public long run(Events events) {
    EPEventService service = runtime.getEventService();
    for (int i = 0; i < events.size(); ++i) {
      if (i % 10 == 0) service.advanceTime(events.timeMs(i));
      if (isOfTicks) {
        service.sendEventBean(new Tick(events.key[i], events.number[i], events.volume[i]), "Tick");
      } else {
        service.sendEventBean(new Payment(events.key[i], events.number[i]), "Payment");
      }
    }
    return matches;
  }

  @Override
  public void close() {
    runtime.destroy();
  }

  public static void main(String[] arguments) throws Exception {
    Peer.main("esper", workload -> {
      List<String> rules = rules(workload);
      return rules == null ? null : new EsperPeer(workload, rules);
    }, arguments);
  }
}
