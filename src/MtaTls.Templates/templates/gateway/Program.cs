var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseMtaTls();
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .AddMtaTlsRouting()
    .AddMtaTlsAgents();
builder.Services.AddHealthChecks().AddMtaTls().AddMtaTlsAgents();

var app = builder.Build();
app.MapHealthChecks("/health");

// The endpoint at which agents register. MtaTls:Agents:Rules decides which names they may take.
app.MapMtaTlsAgents();
app.MapReverseProxy();
app.Run();
