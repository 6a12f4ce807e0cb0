using System.Security.Cryptography;
using MtaTls.Stress;
using MtaTls.Stress.Cluster;
using MtaTls.Stress.Scale;
using MtaTls.Stress.Server;
using MtaTls.Stress.Soak;

// dotnet run -c Release --project tests/MtaTls.Stress -- soak --minutes N [--seed S] [--workers W] [--output DIRECTORY]
//                                                        replay --seed S, one piece of a soak's work
//                                                        channels | sessions | opens | limits [--count N] [--rounds R]
//                                                        moves --minutes N: an agent goes to another of three gateways every second; needs redis-server
// Each prints whether resources stayed constant, and exits with 1 if not. The server is a separate process.
if (args is not [var command, .. var rest] || StressOptions.Parse(rest) is not { } options)
{
    Console.Error.WriteLine("soak | replay | channels | sessions | opens | limits | moves  [--minutes N] [--seed S] [--workers W] [--count N] [--rounds R] [--output DIRECTORY]");
    return 2;
}

if (options.Seed == 0)
{
    options = options with { Seed = RandomNumberGenerator.GetInt32(1, int.MaxValue) };
}

switch (command)
{
    case "server":
        return await new StressServer(isLimited: false).RunAsync();
    case "limited-server":
        return await new StressServer(isLimited: true).RunAsync();
    case "soak":
        return await new SoakRun(options).RunAsync();
    case "replay":
        return await new SoakRun(options).ReplayAsync();
    case "channels":
        return await new ChannelsRun(options).RunAsync();
    case "sessions":
        return await new SessionsRun(options).RunAsync();
    case "limits":
        return await new LimitsRun(options).RunAsync();
    case "moves":
        return await new MovesRun(options).RunAsync();
    case "opens":
        return await new OpensRun(options).RunAsync();
    default:
        Console.Error.WriteLine($"The command {command} is unknown.");
        return 2;
}
