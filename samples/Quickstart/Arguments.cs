using System.Globalization;

namespace MtaTls.Samples.Quickstart;

/// <summary>The command line.</summary>
internal sealed record Arguments(int Channels, int Rounds, int Port, bool Serve)
{
    public const string Usage = """
        usage: dotnet run -c Release --project samples/Quickstart [-- options]
          --channels <n>  channels, and TLS connections beside them (default 200)
          --rounds <n>    rounds of requests in each (default 100)
          --port <n>      port to listen on (default 0: any that is free; 8443 with --serve)
          --serve         keep serving afterwards, for curl and browsers
        """;

    public static Arguments? Parse(string[] args)
    {
        var parsed = new Arguments(200, 100, 0, false);
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--serve")
            {
                parsed = parsed with { Serve = true, Port = parsed.Port == 0 ? 8443 : parsed.Port };
                continue;
            }
            if (i + 1 == args.Length || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int value))
            {
                return null;
            }

            switch (args[i++])
            {
                case "--channels" when value is > 0 and <= 5000: parsed = parsed with { Channels = value }; break;
                case "--rounds" when value > 0: parsed = parsed with { Rounds = value }; break;
                case "--port" when value <= 65535: parsed = parsed with { Port = value }; break;
                default: return null;
            }
        }
        return parsed;
    }
}
