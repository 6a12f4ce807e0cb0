// The app of `dotnet new webapp` with one more line, UseMtaTls().
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseMtaTls();

// Add services to the container.
builder.Services.AddRazorPages();

WebApplication app = builder.Build();

// Configure the HTTP request pipeline.
if (!app.Environment.IsDevelopment())
{
    app.UseExceptionHandler("/Error");
}

app.UseRouting();

app.UseAuthorization();

app.MapStaticAssets();
app.MapRazorPages()
   .WithStaticAssets();

app.Run();
