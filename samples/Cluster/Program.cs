using System.CommandLine;
using ClusterSample;

// The demonstration starts this program again, as the gateways and the agents.
switch (args)
{
    case ["gateway"]:
        return await Roles.RunGatewayAsync();
    case ["agent"]:
        return await Roles.RunAgentAsync();
}

var quick = new Option<bool>("--quick") { Description = "Shorter: two seconds for each step." };
var garnet = new Option<bool>("--garnet") { Description = "Use Garnet in this process, even where redis-server is installed." };
var root = new RootCommand("Three gateways behind a balancer share four agents: one gateway is killed and one drains while requests go on.") { quick, garnet };
root.SetAction((parsed, cancellationToken) => Demo.RunAsync(parsed.GetValue(quick), parsed.GetValue(garnet), cancellationToken));
return await root.Parse(args).InvokeAsync();
