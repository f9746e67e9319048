const events=[...document.querySelectorAll('[data-event]')],frames=[...document.querySelectorAll('[data-frame]')];
let now=0;
function show(n){
  now=Math.max(0,Math.min(events.length-1,n));
  events.forEach((it,i)=>it.classList.toggle('now',i===now));
  frames.forEach(it=>{it.hidden=+it.dataset.frame!==now});
  document.getElementById('at').textContent=events[now]?.dataset.label??'';
}
document.addEventListener('keydown',e=>{
  if(e.key==='ArrowRight'||e.key==='j')show(now+1);else if(e.key==='ArrowLeft'||e.key==='k')show(now-1);
  else if(e.key==='Home')show(0);else if(e.key==='End')show(events.length-1);else return;
  e.preventDefault();
});
events.forEach((it,i)=>it.addEventListener('click',()=>show(i)));
document.querySelectorAll('button[data-copy]').forEach(it=>it.addEventListener('click',()=>
  navigator.clipboard.writeText(document.getElementById(it.dataset.copy).textContent)));
document.getElementById('back').onclick=()=>show(now-1);
document.getElementById('next').onclick=()=>show(now+1);
show(events.length-1);
