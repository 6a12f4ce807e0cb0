using System.Security.Cryptography;
using MtaTls.Stress;
using MtaTls.Stress.Scale;
using MtaTls.Stress.Server;
using MtaTls.Stress.Soak;

// dotnet run -c Release --project tests/MtaTls.Stress -- soak --minutes N [--seed S] [--workers W] [--output DIRECTORY]
//                                                        replay --seed S, one piece of a soak's work
//                                                        channels | sessions | opens | limits [--count N] [--rounds R]
// Each says whether it was steady and ends with 1 where it was not. The server is a process of its own.
if (args is not [var command, .. var rest] || StressOptions.Parse(rest) is not { } options)
{
    Console.Error.WriteLine("soak | replay | channels | sessions | opens | limits  [--minutes N] [--seed S] [--workers W] [--count N] [--rounds R] [--output DIRECTORY]");
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
    case "opens":
        return await new OpensRun(options).RunAsync();
    default:
        Console.Error.WriteLine($"There is no command {command}.");
        return 2;
}
