using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using MtaTls.Fuzz;
using MtaTls.Fuzz.Targets;
using MtaTls.Protocol;

// dotnet run -c Release --project tests/MtaTls.Fuzz -- --seconds N [--seed S] [--target NAME] [--iteration I]
// Every target gets an equal part of the time. A failure prints the options that replay it, and the program exits with 1.
const double MaxCpuSeconds = 10; // The most CPU time of one input.
const long Warm = 500, MaxGrowth = 16 << 20; // The most bytes that all inputs may leave in memory, beyond those of the first inputs (Warm).
double seconds = 60;
int seed = RandomNumberGenerator.GetInt32(int.MaxValue);
string? only = null;
long? replayed = null;
for (int i = 0; i + 1 < args.Length; i += 2)
{
    switch (args[i])
    {
        case "--seconds": seconds = double.Parse(args[i + 1], CultureInfo.InvariantCulture); break;
        case "--seed": seed = int.Parse(args[i + 1], CultureInfo.InvariantCulture); break;
        case "--target": only = args[i + 1]; break;
        case "--iteration": replayed = long.Parse(args[i + 1], CultureInfo.InvariantCulture); break;
        default: Console.Error.WriteLine($"The option {args[i]} is unknown."); return 2;
    }
}

FuzzTarget[] targets = [.. new FuzzTarget[]
{
    new PacketsTarget(), new ClientHelloTarget(), new ProxyHeaderTarget(), new AddressesTarget(), new RoutingTarget(), new ConfigurationTarget(), new TunnelTarget(), new SessionTarget(MtaTlsRole.Server), new SessionTarget(MtaTlsRole.Client),
}.Where(t => only is null || t.Name == only)];
if (targets.Length == 0)
{
    Console.Error.WriteLine($"The target {only} is unknown.");
    return 2;
}

Console.WriteLine($"seed {seed}");
foreach (FuzzTarget target in targets)
{
    byte[][] corpus = Corpus.Load(target.CorpusName), words = Corpus.LoadWords(target.CorpusName);
    long before = 0;
    var clock = Stopwatch.StartNew();
    long iteration = replayed ?? 0;
    do
    {
        // Seeded by the seed and the iteration alone, so that one iteration can be replayed without the earlier ones.
        var random = new Random(HashOf(seed, target.Name, iteration));
        byte[] input = iteration < corpus.Length ? corpus[iteration] : Mutator.Mutate(corpus, words, random);
        try
        {
            TimeSpan spent = Environment.CpuUsage.TotalTime;
            await target.RunAsync(input, random);
            if ((spent = Environment.CpuUsage.TotalTime - spent) > TimeSpan.FromSeconds(MaxCpuSeconds))
            {
                throw new InvalidOperationException($"One input took {spent.TotalSeconds:0} s of CPU time.");
            }

            if (iteration == Warm)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
            }
        }
        catch (Exception e)
        {
            Console.WriteLine($"{target.Name}: {e}");
            Console.WriteLine($"input: {Convert.ToHexString(input)}");
            Console.WriteLine($"replay: --target {target.Name} --seed {seed} --iteration {iteration}");
            return 1;
        }
        iteration++;
    }
    while (replayed is null && clock.Elapsed.TotalSeconds < seconds / targets.Length);
    long growth = iteration > Warm ? GC.GetTotalMemory(forceFullCollection: true) - before : 0;
    Console.WriteLine($"{target.Name}: {iteration} inputs in {clock.Elapsed.TotalSeconds:0.0} s, {growth / 1024.0:+0;-0;0} KiB of memory");
    if (growth > MaxGrowth)
    {
        Console.WriteLine($"{target.Name}: the memory grew by more than {MaxGrowth >> 20} MiB.");
        return 1;
    }
}
return 0;

static int HashOf(int seed, string name, long iteration)
{
    ulong hash = 14695981039346656037;
    foreach (char c in $"{seed}/{name}/{iteration}")
    {
        hash = (hash ^ c) * 1099511628211;
    }

    return (int)(hash ^ hash >> 32);
}
